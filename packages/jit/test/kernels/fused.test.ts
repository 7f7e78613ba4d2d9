/** The fused kernels against the same formulas in ordinary tfjs operations, differentiated by tfjs, on cpu. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu, webgpu } from '../../src/graph/target.ts';
import type { GraphArray, Value } from '../../src/graph/value.ts';
import { kernels } from '../../src/kernels/index.ts';
import { isOnGpu, runGraph, usualTarget } from '../run-graph.ts';

interface Feed {
  shape: number[];
  data: Float32Array | Int32Array;
}

/** Numbers that look random and are the same in every run. */
function numbers(shape: number[], seed: number, scale = 1, offset = 0): Feed {
  const size = shape.reduce((product, each) => product * each, 1);
  const data = Float32Array.from({ length: size }, (_, index) => {
    const wave = Math.sin((index + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return offset + scale * (2 * (wave - Math.floor(wave)) - 1) * 1.7;
  });
  return { shape, data };
}

const tensorOf = ({ shape, data }: Feed): tf.Tensor =>
  tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');

/** What the graphs are built for. */
let currentTarget = usualTarget;

/** Runs one kernel as a graph of its own. */
async function run(name: string, feeds: Record<string, Feed>, attributes = {}): Promise<number[][]> {
  const graph = new Graph(currentTarget);
  const inputs: Record<string, Value> = {};
  const values: Record<string, GraphArray> = {};
  for (const [key, { shape, data }] of Object.entries(feeds)) {
    inputs[key] = graph.input(key, shape, data instanceof Int32Array ? 'int32' : 'float32');
    values[key] = data;
  }
  const result = kernels.get(name)!(graph, inputs, attributes);
  const outputs = Array.isArray(result) ? (result as Value[]) : [result as Value];
  const found = await runGraph(
    graph,
    Object.fromEntries(outputs.map((value, index) => [`out${index}`, value])),
    values,
  );
  return Object.values(found).map(({ data }) => Array.from(data as Float32Array));
}

function expectClose(actual: number[], expected: tf.Tensor, tolerance = 2e-6): void {
  const wanted = Array.from(expected.dataSync());
  expect(actual.length).toBe(wanted.length);
  const worst = Math.max(
    0,
    ...wanted.map((want, index) => Math.abs(actual[index]! - want) / Math.max(1, Math.abs(want))),
  );
  expect(worst).toBeLessThan(tolerance);
}

const feed = (values: number[], shape: number[]): Feed => ({ shape, data: Float32Array.from(values) });

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(isOnGpu ? [webgpu] : [plainCpu, webgpu])('on $name:', (each) => {
  beforeAll(() => {
    currentTarget = each;
  });

  describe('layer norm', () => {
    const composed = (x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor => {
      const { mean, variance } = tf.moments(x, -1, true);
      const scaled = tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), weight);
      return bias === undefined ? scaled : tf.add(scaled, bias);
    };

    for (const shape of [
      [3, 5],
      [2, 3, 16],
      [1, 1],
      [7, 1, 4],
    ]) {
      it(`agrees on [${shape.join(', ')}], value and gradients`, async () => {
        const features = [shape.at(-1)!];
        const [x, weight, bias, dy] = [
          numbers(shape, 1, 1, 0.3),
          numbers(features, 2),
          numbers(features, 3),
          numbers(shape, 4),
        ];
        const [y, mean, inverse] = await run('MilestonesLayerNorm', { x, weight, bias }, { epsilon: 1e-5 });
        const rows = [...shape.slice(0, -1), 1];
        const saved = { x, weight, mean: feed(mean!, rows), inverse: feed(inverse!, rows) };
        const gradients = await run('MilestonesLayerNormGradient', { dy, ...saved }, { epsilon: 1e-5 });
        tf.tidy(() => {
          const inputs = [x, weight, bias].map(tensorOf) as [tf.Tensor, tf.Tensor, tf.Tensor];
          expectClose(y!, composed(...inputs), 1e-5);
          const wanted = tf.grads((...args: tf.Tensor[]) => composed(...(args as typeof inputs)))(inputs, tensorOf(dy));
          // One feature: the value is the bias whatever x is, and 1 / √ε multiplies the rounding of x − mean.
          wanted.forEach((gradient, index) => expectClose(gradients[index]!, gradient, 3e-5));
        });
      });
    }

    it('does without a bias', async () => {
      const [x, weight] = [numbers([4, 6], 1), numbers([6], 2)];
      const [y] = await run('MilestonesLayerNorm', { x, weight }, { epsilon: 1e-5 });
      tf.tidy(() => expectClose(y!, composed(tensorOf(x), tensorOf(weight)), 1e-5));
    });

    it('keeps its digits where the mean is large', async () => {
      const [x, weight] = [numbers([4, 64], 1, 1, 1000), numbers([64], 2)];
      const [y] = await run('MilestonesLayerNorm', { x, weight }, { epsilon: 1e-5 });
      tf.tidy(() => expectClose(y!, composed(tensorOf(x), tensorOf(weight)), 1e-3));
    });
  });

  describe('GELU', () => {
    it('agrees, value and gradient, also far from 0', async () => {
      const x = numbers([5, 9], 1, 4);
      const dy = numbers([5, 9], 2);
      const [y] = await run('MilestonesGelu', { x });
      const [dx] = await run('MilestonesGeluGradient', { dy, x });
      const composed = (input: tf.Tensor): tf.Tensor =>
        tf.mul(tf.mul(input, 0.5), tf.add(tf.erf(tf.mul(input, Math.SQRT1_2)), 1));
      tf.tidy(() => {
        expectClose(y!, composed(tensorOf(x)));
        expectClose(dx!, tf.grad(composed)(tensorOf(x), tensorOf(dy)));
      });
    });
  });

  describe('softmax cross-entropy', () => {
    const composed = (logits: tf.Tensor, labels: tf.Tensor): tf.Tensor => {
      const target = tf.cast(tf.oneHot(labels as tf.Tensor1D, logits.shape[1]!), 'float32');
      return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), target), 1));
    };

    for (const [scale, what] of [
      [1, 'near'],
      [200, 'far from'],
    ] as const) {
      it(`agrees on logits ${what} each other, value and gradient`, async () => {
        const logits = numbers([4, 7], 1, scale);
        const labels: Feed = { shape: [4], data: Int32Array.of(0, 6, 3, 3) };
        const dy = numbers([4], 2);
        const [losses, probabilities] = await run('MilestonesSoftmaxCrossEntropy', { logits, labels });
        const saved = { dy, probabilities: feed(probabilities!, [4, 7]), labels };
        const [gradient] = await run('MilestonesSoftmaxCrossEntropyGradient', saved);
        tf.tidy(() => {
          const [z, k] = [tensorOf(logits), tensorOf(labels)];
          expectClose(losses!, composed(z, k));
          expectClose(gradient!, tf.grad((input: tf.Tensor) => composed(input, k))(z, tensorOf(dy)));
        });
      });
    }

    it('survives labels that no class has', async () => {
      const labels: Feed = { shape: [2], data: Int32Array.of(-100, 99) };
      const [losses] = await run('MilestonesSoftmaxCrossEntropy', { logits: numbers([2, 3], 1), labels });
      expect(losses!.every(Number.isFinite)).toBe(true);
    });
  });

  describe('Adam', () => {
    for (const shapes of [[[2, 3], [3], [1, 4, 2]], [[5]], Array.from({ length: 9 }, () => [2])]) {
      for (const decayed of ['not at all', 'with the gradient', 'apart from it']) {
        it(`updates ${shapes.length} parameters together, weights decaying ${decayed}`, async () => {
          const [beta1, beta2] = [0.9, 0.99];
          const [decay, kept] = [decayed === 'with the gradient' ? 0.1 : 0, decayed === 'apart from it' ? 0.95 : 1];
          const inputs: Record<string, Feed> = { size: feed([0.01], []), epsilon: feed([1e-4], []) };
          if (kept !== 1) inputs['kept'] = feed([kept], []);
          shapes.forEach((shape, index) => {
            inputs[`value${index}`] = numbers(shape, index + 30);
            inputs[`gradient${index}`] = numbers(shape, index);
            inputs[`first${index}`] = numbers(shape, index + 10);
            inputs[`second${index}`] = numbers(shape, index + 20, 0.5, 1);
          });
          const count = shapes.length;
          const outputs = await run('MilestonesAdam', inputs, { count, beta1, beta2, decay });
          tf.tidy(() => {
            shapes.forEach((_, index) => {
              const of = (name: string): tf.Tensor => tensorOf(inputs[`${name}${index}`]!);
              const slope = tf.add(of('gradient'), tf.mul(of('value'), decay));
              const first = tf.add(tf.mul(of('first'), beta1), tf.mul(slope, 1 - beta1));
              const second = tf.add(tf.mul(of('second'), beta2), tf.mul(tf.square(slope), 1 - beta2));
              const step = tf.mul(tf.div(first, tf.add(tf.sqrt(second), 1e-4)), 0.01);
              expectClose(outputs[index]!, tf.sub(tf.mul(of('value'), kept), step), 1e-6);
              expectClose(outputs[count + index]!, first, 1e-6);
              expectClose(outputs[2 * count + index]!, second, 1e-6);
            });
          });
        });
      }
    }
  });
});

/** Exported files, run in onnxruntime-node alone, against the model itself on cpu. */
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { exportGraph, type ExportInput } from '../../src/index.ts';

type Model = (inputs: Record<string, tf.Tensor>) => tf.Tensor | Record<string, tf.Tensor>;

let seed = 0;
const numbers = (shape: number[], scale = 1): tf.Tensor => tf.randomNormal(shape, 0, scale, 'float32', ++seed);
const weight = (shape: number[]): tf.Variable => tf.variable(numbers(shape, 0.5));

const load = (bytes: Uint8Array): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });

const contains = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(text);

/** Exports, runs with each batch size, and compares every result with the model's own. */
async function check(model: Model, inputs: Record<string, ExportInput>, batches: number[]): Promise<Uint8Array> {
  const { numTensors } = tf.memory();
  const bytes = await exportGraph(model, inputs);
  expect([tf.getBackend(), tf.memory().numTensors]).toEqual(['cpu', numTensors]);
  expect(contains(bytes, 'com.microsoft')).toBe(false);
  const session = await load(bytes);
  expect(session.inputNames).toEqual(Object.keys(inputs));
  for (const batch of batches) {
    const feeds: Record<string, tf.Tensor> = {};
    for (const [name, { shape, dtype }] of Object.entries(inputs)) {
      const fixed = shape.map((size) => (typeof size === 'string' ? batch : size));
      feeds[name] = dtype === 'int32' ? tf.randomUniformInt(fixed, 0, 5, ++seed) : numbers(fixed);
    }
    const wanted = tf.tidy(() => model(feeds));
    const tensors = Object.entries(feeds).map(([name, tensor]) => {
      const data = tensor.dataSync() as Float32Array;
      return [name, new ort.Tensor(tensor.dtype as 'float32', data, tensor.shape)] as const;
    });
    const found = await session.run(Object.fromEntries(tensors));
    const named = wanted instanceof tf.Tensor ? { output: wanted } : wanted;
    expect(Object.keys(found)).toEqual(Object.keys(named));
    for (const [name, tensor] of Object.entries(named)) {
      expect(found[name]!.dims).toEqual(tensor.shape);
      const values = tensor.dataSync();
      const differences = Array.from(found[name]!.data as Float32Array, (number, index) =>
        Math.abs(Number(number) - values[index]!),
      );
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    }
  }
  await session.release();
  return bytes;
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

afterEach(() => {
  tf.disposeVariables();
});

const batchOf = (...shape: number[]): ExportInput => ({ shape: ['batch', ...shape], dtype: 'float32' });

type Image = tf.Tensor4D;

/** Functions of one input, and the input's shape behind the batch. */
const functions: Record<string, readonly [(x: tf.Tensor) => tf.Tensor, readonly number[]]> = {
  batchNorm: [(x) => tf.batchNorm(x as Image, tf.zeros([4]), tf.fill([4], 2)), [6, 6, 4]],
  depthwiseConv2d: [(x) => tf.depthwiseConv2d(x as Image, waves([3, 3, 4, 1]), 1, 'same'), [6, 6, 4]],
  conv2dTranspose: [
    (x) => tf.conv2dTranspose(x as Image, waves([3, 3, 6, 4]), [x.shape[0]!, 12, 12, 6], 2, 'same'),
    [6, 6, 4],
  ],
  resizeBilinear: [(x) => tf.image.resizeBilinear(x as Image, [12, 12]), [6, 6, 4]],
  depthToSpace: [(x) => tf.depthToSpace(x as Image, 2), [6, 6, 4]],
  'reverse of the batch': [(x) => tf.reverse(x, [0, 1]), [3, 2]],
  argMax: [(x) => tf.argMax(x, -1), [5]],
  topk: [(x) => tf.topk(x, 2).values, [5]],
  cumsum: [(x) => tf.cumsum(x, 1), [5]],
  norm: [(x) => tf.div(x, tf.norm(x, 2, 1, true)), [5]],
  'moments over the batch': [(x) => tf.sub(x, tf.moments(x, 0).mean), [5]],
  einsum: [(x) => tf.einsum('bij,jk->bik', x, waves([2, 3])), [3, 2]],
  'product of transposed batches': [(x) => tf.matMul(x, x, true), [3, 2]],
  'product with a factor': [(x) => tf.matMul(tf.mul(x, 0.25), x, false, true), [3, 2]],
  'product with a factor and one matrix': [(x) => tf.matMul(tf.mul(x, 0.25), waves([5, 2])), [5]],
  'split of the batch': [
    (x) => tf.sub(...(tf.split(tf.concat([x, tf.neg(x)], 0), 2, 0) as [tf.Tensor, tf.Tensor])),
    [5],
  ],
  broadcastTo: [(x) => tf.mul(tf.broadcastTo(tf.tensor1d([1, 2, 3]), x.shape), x), [3]],
  'gather with batches': [
    (x) => tf.gather(x, tf.cast(tf.greater(tf.slice(x, [0, 0], [-1, 2]), 0), 'int32') as tf.Tensor1D, 1, 1),
    [5],
  ],
  lstm: [
    (x) => {
      let [c, h] = [tf.zeros<tf.Rank.R2>([x.shape[0]!, 4]), tf.zeros<tf.Rank.R2>([x.shape[0]!, 4])];
      for (const row of tf.unstack(x, 1) as tf.Tensor2D[]) {
        [c, h] = tf.basicLSTMCell(tf.scalar(1), waves([6, 16]), tf.ones([16]), row, c, h);
      }
      return h;
    },
    [3, 2],
  ],
};

/** Numbers from the shape alone, in ordinary operations. */
function waves<Shape extends tf.Rank>(shape: tf.ShapeMap[Shape]): tf.Tensor<Shape> {
  const size = (shape as number[]).reduce((product, each) => product * each, 1);
  return tf.reshape(tf.cos(tf.range(0, size)), shape);
}

describe('exportGraph', () => {
  it.each(Object.entries(functions))('exports %s with a dynamic batch', async (_, [compute, shape]) => {
    await check(({ x }) => compute(x!), { x: batchOf(...shape) }, [1, 2, 7]);
  });

  it('exports a perceptron: names, sizes, weights, opset', async () => {
    const [first, bias, second] = [tf.variable(numbers([4, 8]), true, 'hidden.weight'), weight([8]), weight([8, 3])];
    const model: Model = ({ images }) => {
      const hidden = tf.relu(tf.add(tf.matMul(images as tf.Tensor2D, first as tf.Tensor2D), bias));
      const logits = tf.matMul(hidden as tf.Tensor2D, second as tf.Tensor2D);
      return { probabilities: tf.softmax(logits), hidden };
    };
    const bytes = await check(model, { images: batchOf(4) }, [1, 2, 3, 7, 53]);
    for (const text of ['hidden.weight', 'opset', 'ir_version']) expect(contains(bytes, text)).toBe(true);
    const session = await load(bytes);
    expect(session.inputMetadata[0]).toMatchObject({ name: 'images', type: 'float32', shape: ['batch', 4] });
    expect(session.outputMetadata[0]).toMatchObject({ name: 'probabilities', shape: ['batch', 3] });
    expect(await exportGraph(model, { images: batchOf(4) })).toEqual(bytes);
  });

  it('exports attention, an embedding and a layer norm with standard operations', async () => {
    const [T, C, H] = [6, 8, 2];
    const tokens = weight([5, C]);
    const positions = weight([T, C]);
    const [query, key, value] = [weight([C, C]), weight([C, C]), weight([C, C])];
    const mask = tf.tensor2d(
      Array.from({ length: T }, (_, t) => Array.from({ length: T }, (__, s) => (s > t ? -1e9 : 0))),
    );
    const project = (x: tf.Tensor, by: tf.Variable): tf.Tensor => {
      const flat = tf.matMul(tf.reshape(x, [-1, C]) as tf.Tensor2D, by as tf.Tensor2D);
      return tf.transpose(tf.reshape(flat, [x.shape[0]!, T, H, C / H]), [0, 2, 1, 3]);
    };
    const model: Model = ({ ids }) => {
      const x = tf.add(tf.gather(tokens, ids as tf.Tensor1D), positions);
      const { mean, variance } = tf.moments(x, -1, true);
      const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
      const scores = tf.matMul(project(normal, query), project(normal, key), false, true);
      const weights = tf.softmax(tf.add(tf.mul(scores, (C / H) ** -0.5), mask));
      const mixed = tf.transpose(tf.matMul(weights, project(normal, value)), [0, 2, 1, 3]);
      const out = tf.add(x, tf.reshape(mixed, [x.shape[0]!, T, C]));
      return tf.reshape(tf.matMul(tf.reshape(out, [-1, C]) as tf.Tensor2D, tokens as tf.Tensor2D, false, true), [
        -1,
        T,
        5,
      ]);
    };
    await check(model, { ids: { shape: ['batch', T], dtype: 'int32' } }, [1, 2, 3, 7]);
  });

  it('exports convolutions and pooling', async () => {
    const filter = weight([3, 3, 2, 8]) as tf.Tensor as tf.Tensor4D;
    const dense = weight([32, 3]) as tf.Tensor as tf.Tensor2D;
    const model: Model = ({ x }) => {
      const y = tf.maxPool(tf.relu(tf.conv2d(x as tf.Tensor4D, filter, 1, 'same')), 2, 2, 'valid');
      const z = tf.avgPool(y, 2, 1, 'same');
      return tf.matMul(tf.reshape(z, [x!.shape[0]!, 32]), dense);
    };
    await check(model, { x: batchOf(4, 4, 2) }, [1, 3, 7]);
  });

  it('computes sizes and constants that depend on the batch', async () => {
    const model: Model = ({ x, y }) => {
      const batch = x!.shape[0]!;
      const both = tf.concat([x!, y!, tf.ones([1, 4])]);
      return {
        both: tf.reshape(both, [2 * batch + 1, 2, 2]),
        share: tf.div(tf.sum(x!, 0), batch),
        state: tf.concat([tf.zeros([batch, 2]), x!], 1),
        last: tf.slice(both, [batch, 0], [batch, 4]),
        wide: tf.tile(tf.tensor2d([[1, 2]]), [batch, 2]),
        two: tf.add(tf.reshape(tf.mul(x!, 2), [batch, 2, 2]), tf.reshape(y!, [batch, 2, 2])),
      };
    };
    const bytes = await check(model, { x: batchOf(4), y: batchOf(4) }, [1, 2, 4, 7]);
    expect((await load(bytes)).outputMetadata[0]).toMatchObject({ shape: ['2*batch+1', 2, 2] });
  });

  it('exports a fixed size, tensors from outside, results that are inputs, and inputs that are not used', async () => {
    const table = numbers([40, 40]) as tf.Tensor2D;
    const model: Model = ({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, table), same: x! });
    await check(model, { x: { shape: [3, 40], dtype: 'float32' }, unused: { shape: [1], dtype: 'float32' } }, [0]);
    await check(model, { x: batchOf(40) }, [2, 7]);
  });

  it('exports a deep graph', async () => {
    const model: Model = ({ x }) => {
      let y = x!;
      for (let index = 0; index < 5000; index++) y = tf.sub(x!, y);
      return y;
    };
    expect((await exportGraph(model, { x: batchOf(2) })).length).toBeGreaterThan(100_000);
  });

  it('refuses a model that must know the size', async () => {
    const square: Model = ({ x }) => tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, false, true).reshape([-1]);
    await expect(exportGraph(square, { x: batchOf(4) })).rejects.toThrow(
      /with 'batch' = 53, 59, 61 the graph is not the same .*cannot have a dynamic 'batch'; give a fixed size/,
    );
    const loop: Model = ({ x }) => tf.unstack(x!).reduce((sum, row) => tf.add(sum, row));
    await expect(exportGraph(loop, { x: batchOf(4) })).rejects.toThrow("cannot have a dynamic 'batch'");
    const counted: Model = ({ x }) => tf.add(x!, tf.range(0, x!.shape[0]!).reshape([-1, 1]));
    await expect(exportGraph(counted, { x: batchOf(4) })).rejects.toThrow("cannot have a dynamic 'batch'");
    await check(loop, { x: { shape: [3, 4], dtype: 'float32' } }, [0]);
  });

  it('refuses inputs that make no sense, assignments, and values that are read', async () => {
    const same: Model = ({ x }) => tf.neg(x!);
    const wrong = (input: unknown, name = 'x'): Promise<Uint8Array> =>
      exportGraph(same, { [name]: input as ExportInput });
    await expect(wrong({ shape: ['batch', 'time'], dtype: 'float32' })).rejects.toThrow(
      'batch and time are both unknown',
    );
    await expect(wrong({ shape: [0], dtype: 'float32' })).rejects.toThrow("'x' has the shape [0]; give whole numbers");
    await expect(wrong({ shape: [1], dtype: 'string' })).rejects.toThrow('type string; give float32, int32 or bool');
    await expect(wrong(batchOf(1), '')).rejects.toThrow("an input is called ''");
    await expect(exportGraph(same, { x: batchOf(1) }, { outputName: 'x' })).rejects.toThrow('name them apart');
    const count = tf.variable(tf.scalar(0), true, 'count');
    const counting: Model = ({ x }) => {
      count.assign(tf.add(count, 1));
      return tf.add(x!, count);
    };
    await expect(exportGraph(counting, { x: batchOf(1) })).rejects.toThrow("assigns the variable 'count'");
    await expect(exportGraph(({ x }) => tf.scalar(x!.dataSync()[0]!), { x: batchOf(1) })).rejects.toThrow('compile: ');
    expect(count.dataSync()[0]).toBe(0);
  });
});

/** Batch norm: tfjs's with given statistics against cpu, the batch's against two passes in double precision. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { sizeOf, type Value } from '../../src/graph/value.ts';
import { kernels } from '../../src/kernels/index.ts';
import { runGraph } from '../run-graph.ts';
import { Comparison, expectSameAsCpu, Generator } from './against-cpu.ts';
import { allTargets } from './targets.ts';

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

const targets = await allTargets();
const EPSILON = 1e-5;

/** The formulas, in two passes and double precision. */
function reference(x: Float32Array, dy: Float32Array, weight: Float32Array, bias: Float32Array) {
  const channels = weight.length;
  const rows = x.length / channels;
  const result = {
    y: new Float64Array(x.length),
    mean: new Float64Array(channels),
    variance: new Float64Array(channels),
    dx: new Float64Array(x.length),
    dweight: new Float64Array(channels),
    dbias: new Float64Array(channels),
  };
  for (let channel = 0; channel < channels; channel++) {
    const places = Array.from({ length: rows }, (_, row) => row * channels + channel);
    const meanOf = (compute: (place: number) => number): number =>
      places.reduce((sum, place) => sum + compute(place), 0) / rows;
    const mean = meanOf((place) => x[place]!);
    const variance = meanOf((place) => (x[place]! - mean) ** 2);
    const inverse = 1 / Math.sqrt(variance + EPSILON);
    const level = meanOf((place) => dy[place]!);
    const along = meanOf((place) => dy[place]! * (x[place]! - mean) * inverse);
    for (const place of places) {
      const normalised = (x[place]! - mean) * inverse;
      result.y[place] = normalised * weight[channel]! + bias[channel]!;
      result.dx[place] = weight[channel]! * inverse * (dy[place]! - level - normalised * along);
    }
    result.mean[channel] = mean;
    result.variance[channel] = variance;
    result.dweight[channel] = along * rows;
    result.dbias[channel] = level * rows;
  }
  return result;
}

describe.each(targets)('batch norm on $name with blocks of $block', (target) => {
  it('with given statistics is that of cpu', async () => {
    const comparison = new Comparison();
    const generator = new Generator(3);
    for (const shape of [
      [2, 3, 4, 32],
      [1, 1, 1, 16],
      [3, 2, 5, 7],
      [4, 6],
      [2, 3, 5],
    ]) {
      const vector = [shape.at(-1)!];
      const x = generator.operand(shape);
      const mean = generator.operand(vector);
      const spread = generator.operand(vector);
      const variance = { ...spread, data: (spread.data as Float32Array).map((number) => number * number + 0.1) };
      const scale = generator.operand(vector);
      const offset = generator.operand(vector);
      const close = { absolute: 2e-5, relative: 1e-5 };
      comparison.add('FusedBatchNorm', { x, mean, variance, scale, offset }, { varianceEpsilon: 1e-3 }, close);
      comparison.add('FusedBatchNorm', { x, mean, variance }, { varianceEpsilon: 1e-3 }, close);
    }
    await expectSameAsCpu(comparison, target);
  });

  const cases = [
    { shape: [4, 5, 3, 32], mean: 0 },
    { shape: [20, 5, 3, 16], mean: 1000 },
    { shape: [3, 4, 4, 5], mean: 1000 },
    { shape: [64, 32], mean: 1000 },
    { shape: [32, 2, 2, 16], mean: 1000, isFirstImageZero: true },
  ];
  it.each(cases)('of $shape with mean $mean is that of two passes', async ({ shape, mean, ...options }) => {
    const generator = new Generator(5);
    const numbers = (size: readonly number[]): Float32Array => generator.operand(size).data as Float32Array;
    const x = numbers(shape).map((number) => number + mean);
    if (options.isFirstImageZero === true) x.fill(0, 0, sizeOf(shape.slice(1)));
    const vector = [shape.at(-1)!];
    const feeds = { x, dy: numbers(shape), weight: numbers(vector), bias: numbers(vector) };
    const expected = reference(feeds.x, feeds.dy, feeds.weight, feeds.bias);
    const found = await runBatchNorm(target, shape, feeds);
    const tolerance = mean === 0 ? 1e-5 : 2e-3;
    for (const [name, wanted] of Object.entries(expected)) {
      const scale = Math.max(...wanted.map(Math.abs), 1e-3);
      const worst = Math.max(...wanted.map((number, index) => Math.abs(number - found[name]![index]!))) / scale;
      expect(worst, name).toBeLessThan(tolerance);
    }
  });

  it('of a convolution, which then subtracts the first image’s mean, is the same', async () => {
    const generator = new Generator(6);
    const shape = [16, 4, 4, 16];
    const image = generator.operand(shape).data as Float32Array;
    const filter = generator.operand([3, 3, 16, 16], 'float32', 0.3).data as Float32Array;
    const vector = (): Float32Array => generator.operand([16]).data as Float32Array;
    const feeds = { dy: generator.operand(shape).data as Float32Array, weight: vector(), bias: vector() };
    const attributes = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC' };
    const convolved = tf.tidy(() => {
      const y = tf.conv2d(tf.tensor4d(image, [16, 4, 4, 16]), tf.tensor4d(filter, [3, 3, 16, 16]), 1, 'same');
      return y.dataSync() as Float32Array;
    });
    const expected = reference(convolved, feeds.dy, feeds.weight, feeds.bias);
    const found = await runBatchNorm(
      target,
      shape,
      { ...feeds, image, filter },
      (graph) =>
        kernels.get('Conv2D')!(
          graph,
          { x: graph.input('image', shape, 'float32'), filter: graph.input('filter', [3, 3, 16, 16], 'float32') },
          attributes,
        ) as Value,
    );
    for (const [name, wanted] of Object.entries(expected)) {
      const worst = Math.max(...wanted.map((number, index) => Math.abs(number - found[name]![index]!)));
      expect(worst, name).toBeLessThan(1e-3);
    }
  });
});

async function runBatchNorm(
  target: (typeof targets)[number],
  shape: readonly number[],
  feeds: Readonly<Record<string, Float32Array>>,
  imageOf: (graph: Graph) => Value = (graph) => graph.input('x', shape, 'float32'),
): Promise<Record<string, Float32Array>> {
  const graph = new Graph(target);
  const vector = [shape.at(-1)!];
  const x = imageOf(graph);
  const weight = graph.input('weight', vector, 'float32');
  const bias = graph.input('bias', vector, 'float32');
  const dy = graph.input('dy', shape, 'float32');
  const forward = kernels.get('MilestonesBatchNorm')!(graph, { x, weight, bias }, { epsilon: EPSILON });
  const [y, mean, variance, inverse] = forward as readonly [Value, Value, Value, Value];
  const backward = kernels.get('MilestonesBatchNormGradient')!(graph, { dy, x, inverse, weight }, {});
  const [dx, dweight, dbias] = backward as readonly [Value, Value, Value];
  const results = await runGraph(graph, { y, mean, variance, dx, dweight, dbias }, feeds);
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

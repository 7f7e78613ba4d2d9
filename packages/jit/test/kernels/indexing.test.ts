import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { kernels } from '../../src/kernels/index.ts';
import type { Value } from '../../src/graph/value.ts';
import { runGraph, usualTarget } from '../run-graph.ts';
import { Comparison, expectSameAsCpu, Generator, operand, type Dtype, type Operand } from './against-cpu.ts';

const dtypes: readonly Dtype[] = ['float32', 'float32', 'int32', 'bool'];

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

/** Positions below a limit. */
function positions(random: Generator, shape: readonly number[], limit: number, lowest = 0): Operand {
  const size = shape.reduce((product, length) => product * length, 1);
  return operand(
    Array.from({ length: size }, () => random.integer(lowest, limit - 1)),
    shape,
    'int32',
  );
}

describe('kernels of positions', () => {
  it('fetch as cpu does', async () => {
    const random = new Generator(41);
    const comparison = new Comparison();
    for (let round = 0; round < 30; round++) {
      const rank = random.integer(1, 4);
      const shape = random.shape(rank, false);
      const x = random.operand(shape, random.choose(dtypes));
      const axis = random.integer(0, rank - 1);
      const indices = positions(random, random.shape(random.integer(0, 2)), shape[axis]!);
      comparison.add('GatherV2', { x, indices }, { axis, batchDims: 0 });
      const batchDims = random.integer(0, axis);
      const rows = positions(random, [...shape.slice(0, batchDims), random.integer(1, 4)], shape[axis]!);
      comparison.add('GatherV2', { x, indices: rows }, { axis, batchDims });
      const depth = random.integer(1, rank);
      const smallest = Math.min(...shape.slice(0, depth));
      const list = positions(random, [...random.shape(random.integer(0, 2)), depth], smallest);
      comparison.add('GatherNd', { params: x, indices: list });
    }
    await expectSameAsCpu(comparison);
  });

  it('write and count as cpu does', async () => {
    const random = new Generator(42);
    const comparison = new Comparison();
    for (let round = 0; round < 30; round++) {
      const rank = random.integer(1, 4);
      const shape = random.shape(rank, false);
      const depth = random.integer(1, rank);
      const smallest = Math.min(...shape.slice(0, depth));
      const count = random.integer(1, 6);
      const dtype = random.choose<Dtype>(['float32', 'int32']);
      const indices = positions(random, [count, depth], smallest);
      const updates = random.operand([count, ...shape.slice(depth)], dtype);
      comparison.add('ScatterNd', { indices, updates }, { shape });
      // Each place once: the last write of several is cpu's, and nobody's in ONNX.
      const once = operand(
        Array.from({ length: smallest * depth }, (_, index) => Math.floor(index / depth)),
        [smallest, depth],
        'int32',
      );
      const news = random.operand([smallest, ...shape.slice(depth)], dtype);
      comparison.add('TensorScatterUpdate', { tensor: random.operand(shape, dtype), indices: once, updates: news });
      const defaultValue = random.operand([], dtype);
      const [length] = shape as [number];
      const places = operand(
        Array.from({ length }, (_, index) => index).filter((index) => index % 2 === 0),
        [Math.ceil(length / 2)],
        'int32',
      );
      const values = random.uniform() < 0.5 ? random.operand([], dtype) : random.operand(places.shape, dtype);
      comparison.add(
        'SparseToDense',
        { sparseIndices: places, sparseValues: values, defaultValue },
        { outputShape: [length] },
      );
      const classes = positions(random, random.shape(random.integer(0, 3)), 6, -1);
      const labels = { depth: 5, onValue: random.choose([1, 2.5]), offValue: random.choose([0, -1]) };
      comparison.add('OneHot', { indices: classes }, { ...labels, dtype: 'float32' });
      comparison.add('OneHot', { indices: classes }, { depth: 3, onValue: 1, offValue: 0, dtype: 'int32' });
      const segmentIds = positions(random, [shape[0]!], 5, -1);
      const attributes = { numSegments: random.integer(1, 5) };
      comparison.add('UnsortedSegmentSum', { x: random.operand(shape, dtype), segmentIds }, attributes);
    }
    await expectSameAsCpu(comparison);
  });

  it('sort the greatest', async () => {
    const random = new Generator(43);
    const comparison = new Comparison();
    for (let round = 0; round < 24; round++) {
      const shape = random.shape(random.integer(1, 3), false);
      const x = random.operand(shape, random.choose<Dtype>(['float32', 'int32']), 2);
      comparison.add('TopK', { x }, { k: random.integer(0, shape.at(-1)!), sorted: true });
    }
    await expectSameAsCpu(comparison);
  });

  it('add to one place from several threads without losing any', async () => {
    const graph = new Graph(usualTarget);
    const count = 20_000;
    const width = 64;
    const x = graph.input('x', [count, width], 'float32');
    const segmentIds = graph.input('segmentIds', [count], 'int32');
    const sums = kernels.get('UnsortedSegmentSum')!(graph, { x, segmentIds }, { numSegments: 3 }) as Value;
    const feeds = { x: new Float32Array(count * width).fill(1), segmentIds: new Int32Array(count).fill(1) };
    const { found } = await runGraph(graph, { found: sums }, feeds, { intraOpNumThreads: 4 });
    const wanted = [
      ...Array<number>(width).fill(0),
      ...Array<number>(width).fill(count),
      ...Array<number>(width).fill(0),
    ];
    expect([...(found!.data as Float32Array)]).toEqual(wanted);
  });
});

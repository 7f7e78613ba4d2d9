import { expect, it } from 'vitest';
import { reduce } from '../../src/build/reduce.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import type { Value } from '../../src/graph/value.ts';
import { runGraph } from '../run-graph.ts';

const numbers = (size: number): Float32Array => Float32Array.from({ length: size }, (_, index) => Math.sin(index));

/** The operations behind a value. */
function operations(value: Value): string[] {
  const { node } = value;
  return node === undefined ? [] : [...node.inputs.flatMap((input) => operations(input!)), node.op];
}

it.each([
  [[3, 5, 32], [0, 1], true, 'MatMul'],
  [[3, 5, 32], [0, 1], false, 'MatMul'],
  [[1, 40, 4, 8], [0, 1], false, 'MatMul'],
  [[5000, 16], [0], false, 'ReduceSum'], // Too many rows for a running sum.
  [[40, 8], [0], false, 'ReduceSum'],
  [[32, 40], [1], false, 'ReduceSum'],
  [[3, 4, 32], [0, 2], true, 'ReduceSum'],
  [[1, 4, 32], [0, 1], false, 'MatMul'],
] as const)('sums %j over %j, keeping axes: %s, by %s', async (shape, axes, keepDims, operation) => {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', shape, 'float32');
  const sums = reduce(graph, 'ReduceSum', x, axes, keepDims);
  expect(operations(sums).filter((op) => op !== 'Reshape')).toEqual([operation]);

  const data = numbers(x.size);
  const expected = new Float64Array(sums.size);
  for (const [index, value] of data.entries()) {
    let place = 0;
    for (const [axis, size] of shape.entries()) {
      const stride = shape.slice(axis + 1).reduce<number>((product, each) => product * each, 1);
      if (!(axes as readonly number[]).includes(axis)) place = place * size + (Math.floor(index / stride) % size);
    }
    expected[place]! += value;
  }
  const { y } = await runGraph(graph, { y: sums }, { x: data });
  expect(y!.shape).toEqual(sums.shape);
  y!.data.forEach((value: number | bigint, index: number) => expect(Number(value)).toBeCloseTo(expected[index]!, 3));
});

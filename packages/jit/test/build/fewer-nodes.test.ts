import { describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { matMul } from '../../src/build/matmul.ts';
import { reduce } from '../../src/build/reduce.ts';
import { cast, concat, expand, full, pad, reshape, slice, transpose } from '../../src/build/shape.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import { runGraph } from '../run-graph.ts';

const setting = () => {
  const graph = new Graph(plainCpu);
  return { graph, x: graph.input('x', [2, 3, 4], 'float32') };
};

describe('builders leave out', () => {
  it('what changes no shape', () => {
    const { graph, x } = setting();
    expect(reshape(graph, x, [2, 3, 4])).toBe(x);
    expect(transpose(graph, x, [0, 1, 2])).toBe(x);
    expect(slice(graph, x, [0, 0, 0], [2, 3, 4])).toBe(x);
    expect(concat(graph, [x, full(graph, [2, 0, 4], 0, 'float32')], 1)).toBe(x);
    expect(
      pad(graph, x, [
        [0, 0],
        [0, 0],
        [0, 0],
      ]),
    ).toBe(x);
    expect(expand(graph, x, [2, 3, 4])).toBe(x);
    expect(cast(graph, x, 'float32')).toBe(x);
    expect(reduce(graph, 'ReduceSum', reshape(graph, x, [1, 24]), [0], false).op).toBe('Reshape');
  });

  it('what follows itself', () => {
    const { graph, x } = setting();
    expect(reshape(graph, reshape(graph, x, [6, 4]), [2, 3, 4])).toBe(x);
    expect(transpose(graph, transpose(graph, x, [1, 2, 0]), [2, 0, 1])).toBe(x);
    const thin = reshape(graph, x, [24, 1]);
    expect(transpose(graph, thin, [1, 0]).op).toBe('Reshape');
  });

  it('neutral numbers', () => {
    const { graph, x } = setting();
    const ones = full(graph, [2, 3, 4], 1, 'float32');
    expect(elementwise(graph, 'Mul', [x, ones])).toBe(x);
    expect(elementwise(graph, 'Mul', [ones, x])).toBe(x);
    expect(elementwise(graph, 'Div', [x, graph.scalar(1)])).toBe(x);
    expect(elementwise(graph, 'Add', [graph.scalar(0), x])).toBe(x);
    expect(elementwise(graph, 'Sub', [x, graph.scalar(0)])).toBe(x);
    expect(elementwise(graph, 'Sub', [graph.scalar(0), x]).op).toBe('Sub');
    const sum = elementwise(graph, 'Add', [graph.scalar(0.1), full(graph, [2], 0.2, 'float32')]);
    expect([...sum.data!]).toEqual([
      Math.fround(Math.fround(0.1) + Math.fround(0.2)),
      Math.fround(Math.fround(0.1) + Math.fround(0.2)),
    ]);
  });

  it('expansions that the other operand makes', () => {
    const { graph, x } = setting();
    const row = graph.input('row', [4], 'float32');
    const product = elementwise(graph, 'Mul', [x, expand(graph, row, [2, 3, 4])]);
    expect(product.node!.inputs).toEqual([x, row]);
    const sum = elementwise(graph, 'Add', [x, full(graph, [2, 3, 4], 0.5, 'float32')]);
    expect(sum.node!.inputs[1]!.shape).toEqual([]);
    expect(elementwise(graph, 'Mul', [expand(graph, row, [3, 4]), row]).shape).toEqual([3, 4]);
  });

  it('whatever has no values', () => {
    const { graph, x } = setting();
    const none = graph.input('none', [2, 0, 4], 'float32');
    expect(elementwise(graph, 'Exp', [none]).data).toEqual(new Float32Array(0));
    expect(matMul(graph, reshape(graph, none, [2, 4, 0]), reshape(graph, none, [2, 0, 4])).splat).toBe(0);
    expect(slice(graph, x, [0, 1, 0], [2, 0, 4]).data).toEqual(new Float32Array(0));
    expect([...reduce(graph, 'ReduceProd', none, [1], false).data!]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('transposes that a product can do', () => {
    const { graph, x } = setting();
    const turned = transpose(graph, x, [0, 2, 1]);
    const product = matMul(graph, x, turned);
    expect(product.op).toBe('com.microsoft:FusedMatMul');
    expect(product.node!.inputs).toEqual([x, x]);
    expect(product.node!.attributes).toEqual({ transA: 0, transB: 1 });
    expect(matMul(graph, turned, x, true, true).node!.attributes).toEqual({ transA: 0, transB: 1 });
  });

  it('batches where there is one matrix on the right', () => {
    const { graph, x } = setting();
    const matrix = graph.input('matrix', [4, 5], 'float32');
    const product = matMul(graph, x, matrix);
    expect(product.shape).toEqual([2, 3, 5]);
    expect(product.node!.inputs[0]!.shape).toEqual([6, 5]);
  });

  it('nodes that are there already', () => {
    const { graph, x } = setting();
    expect(elementwise(graph, 'Exp', [x])).toBe(elementwise(graph, 'Exp', [x]));
    expect(graph.scalar(0)).toBe(graph.scalar(0));
    expect(graph.scalar(0)).not.toBe(graph.scalar(-0));
  });
});

it('shapes that do not broadcast are refused with both named', () => {
  const { graph, x } = setting();
  const wrong = graph.input('wrong', [5], 'float32');
  expect(() => elementwise(graph, 'Add', [x, wrong])).toThrow('[2, 3, 4] and [5]');
  expect(() => reshape(graph, x, [5, 5])).toThrow('[5, 5]');
});

it('factors of whole tensors become those of products', async () => {
  const graph = new Graph(plainCpu);
  const a = graph.input('a', [2, 3, 4], 'float32');
  const b = graph.input('b', [2, 4, 5], 'float32');
  const weight = graph.input('weight', [4, 5], 'float32');
  const half = elementwise(graph, 'Mul', [a, graph.scalar(0.5)]);
  const third = elementwise(graph, 'Mul', [graph.scalar(0.25), b]);
  const batched = matMul(graph, half, third);
  expect(batched.node!.inputs).toEqual([a, b]);
  expect(batched.node!.attributes).toEqual({ transA: 0, transB: 0, alpha: { float: 0.125 } });
  const flat = matMul(graph, reshape(graph, half, [6, 4]), weight);
  expect(flat.node!.inputs).toEqual([reshape(graph, a, [6, 4]), weight]);
  // 0 · ∞ is no 0, and must stay where it is.
  const nothing = matMul(graph, elementwise(graph, 'Mul', [a, graph.scalar(0)]), b);
  expect(nothing.op).toBe('MatMul');
  const numbers = (size: number): Float32Array => Float32Array.from({ length: size }, (_, index) => Math.sin(index));
  const feeds = { a: numbers(24), b: numbers(40), weight: numbers(20) };
  const plain = { batched: matMul(graph, a, b), flat: matMul(graph, reshape(graph, a, [6, 4]), weight) };
  const found = await runGraph(graph, { batched, flat }, feeds);
  const unscaled = await runGraph(graph, plain, feeds);
  for (const [name, factor] of [
    ['batched', 0.125],
    ['flat', 0.5],
  ] as const) {
    const expected = Array.from(unscaled[name]!.data as Float32Array, (value) => value * factor);
    Array.from(found[name]!.data as Float32Array).forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index]!, 5);
    });
  }
});

it('sums of rows are products', async () => {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', [16, 32, 40], 'float32');
  const sum = reduce(graph, 'ReduceSum', x, [0, 1], false);
  expect(sum.shape).toEqual([40]);
  expect(sum.node!.inputs[0]!.op).toBe('MatMul');
  const values = Float32Array.from({ length: x.size }, (_, index) => Math.sin(index));
  const { sum: found } = await runGraph(graph, { sum }, { x: values });
  Array.from(found!.data as Float32Array).forEach((value, column) => {
    let expected = 0;
    for (let row = 0; row < 512; row++) expected += values[row * 40 + column]!;
    expect(value).toBeCloseTo(expected, 4);
  });
});

import { expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { matMul } from '../../src/build/matmul.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import { estimateMicroseconds } from '../../src/passes/estimate.ts';

it('counts each operation once, and products by their multiplications', () => {
  const graph = new Graph(plainCpu);
  const x = graph.input('x', [1000, 1000], 'float32');
  const sum = elementwise(graph, 'Add', [x, x]); // A million values.
  const one = estimateMicroseconds([sum]);
  expect(one).toBeGreaterThan(500);
  expect(estimateMicroseconds([sum, sum, elementwise(graph, 'Mul', [sum, sum])])).toBe(2 * one);
  const product = estimateMicroseconds([matMul(graph, x, x, true)]); // A billion multiplications.
  expect(product).toBeGreaterThan(30 * one);
});

it('promises nothing of operations whose work it does not know, unless there is next to none', () => {
  const graph = new Graph(plainCpu);
  const pool = (size: number): number => {
    const x = graph.input(`x${size}`, [1, 1, size, size], 'float32');
    const attributes = { kernel_shape: [2, 2] };
    return estimateMicroseconds([graph.op('MaxPool', [x], attributes, [1, 1, size - 1, size - 1], 'float32')]);
  };
  expect(pool(300)).toBe(Infinity);
  expect(pool(3)).toBeLessThan(10);
  expect(estimateMicroseconds([graph.input('x', [5], 'float32')])).toBe(0);
});

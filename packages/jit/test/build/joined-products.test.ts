import { describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { matMul } from '../../src/build/matmul.ts';
import { emitModel } from '../../src/emit/emit.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu } from '../../src/graph/target.ts';
import type { Value } from '../../src/graph/value.ts';
import { runGraph } from '../run-graph.ts';

const [ROWS, COLUMNS] = [24, 32];

/** Σ Aᵢᵀ Bᵢ with heights that differ; the feeds make every number a small integer, so that sums are exact. */
function sumOfProducts(graph: Graph, heights: number[]): { sum: Value; feeds: Record<string, Float32Array> } {
  const feeds: Record<string, Float32Array> = {};
  const input = (name: string, shape: number[], step: number): Value => {
    feeds[name] = Float32Array.from({ length: shape[0]! * shape[1]! }, (_, index) => ((index * step) % 7) - 3);
    return graph.input(name, shape, 'float32');
  };
  const products = heights.map((height, index) =>
    matMul(
      graph,
      input(`a${index}`, [height, ROWS], 3 + index),
      input(`b${index}`, [height, COLUMNS], 5 + index),
      true,
    ),
  );
  return { sum: products.reduce((left, right) => elementwise(graph, 'Add', [left, right])), feeds };
}

describe('joinProducts', () => {
  it('computes a sum of products as one', async () => {
    const graph = new Graph(plainCpu);
    const { sum, feeds } = sumOfProducts(graph, [2, 1, 3]);
    expect(emitModel(graph, [{ name: 'sum', value: sum }]).nodeCount).toBe(3); // Two joins, one product.
    const { sum: found } = await runGraph(graph, { sum }, feeds);
    for (const [row, column] of [
      [0, 0],
      [5, 17],
      [23, 31],
    ] as const) {
      let expected = 0;
      for (const [index, height] of [2, 1, 3].entries()) {
        for (let k = 0; k < height; k++) {
          expected += feeds[`a${index}`]![k * ROWS + row]! * feeds[`b${index}`]![k * COLUMNS + column]!;
        }
      }
      expect(found!.data[row * COLUMNS + column]).toBe(expected);
    }
  });

  it('leaves products alone that are tall', () => {
    const graph = new Graph(plainCpu);
    const { sum } = sumOfProducts(graph, [100, 100]);
    expect(sum.op).toBe('Add');
  });
});

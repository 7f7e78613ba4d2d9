import { describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { matMul } from '../../src/build/matmul.ts';
import { concat, full, reshape } from '../../src/build/shape.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu, type Target } from '../../src/graph/target.ts';
import type { Value } from '../../src/graph/value.ts';
import { kernels } from '../../src/kernels/index.ts';
import { nodesBehind } from '../../src/passes/rewrite.ts';
import { isScalable, scaleProducts } from '../../src/passes/scaled-products.ts';
import { runGraph } from '../run-graph.ts';

const numbers = (size: number, seed = 0): Float32Array =>
  Float32Array.from({ length: size }, (_, index) => Math.sin(index + seed));

const feeds = { a: numbers(6 * 4), b: numbers(6 * 5, 1), c: numbers(2 * 6 * 4, 2), d: numbers(2 * 6 * 5, 3) };

function setting() {
  const graph = new Graph(plainCpu);
  const [a, b] = [graph.input('a', [6, 4], 'float32'), graph.input('b', [6, 5], 'float32')];
  const [c, d] = [graph.input('c', [2, 6, 4], 'float32'), graph.input('d', [2, 6, 5], 'float32')];
  const scaled = (value: Value): Value => elementwise(graph, 'Mul', [value, graph.scalar(0.25)]);
  return { graph, a, b, c, d, scaled };
}

/** Expects the same numbers after the pass. @returns how many multiplications are left */
async function multiplicationsAfter(make: (given: ReturnType<typeof setting>) => Value[]) {
  const plain = setting();
  const expected = await runGraph(plain.graph, named(make(plain)), feeds);
  const changed = setting();
  // What the step returns keeps its values: sums stand for what reads them.
  const results = make(changed).map((value) => elementwise(changed.graph, 'Neg', [value]));
  scaleProducts(changed.graph, results);
  const found = await runGraph(changed.graph, named(results), feeds);
  Object.entries(expected).forEach(([name, { data }]) => {
    Array.from(data as Float32Array).forEach((value, index) => {
      expect(-found[name]!.data[index]!).toBeCloseTo(value, 5);
    });
  });
  return nodesBehind(results).filter(({ op }) => op === 'Mul').length;
}

const named = (values: Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((value, index) => [`out${index}`, value]));

describe('scaleProducts', () => {
  it('gives factors to products of every kind, through reshapes', async () => {
    const multiplied = await multiplicationsAfter(({ graph, a, b, c, d, scaled }) => [
      scaled(reshape(graph, matMul(graph, a, b, true), [20])),
      scaled(matMul(graph, c, d, true)),
      scaled(matMul(graph, full(graph, [1, 6], 1, 'float32'), b)),
      // A factor is there already.
      scaled(matMul(graph, elementwise(graph, 'Mul', [graph.scalar(3), a]), b, true)),
    ]);
    expect(multiplied).toBe(0);
  });

  it('leaves products alone that something else reads', async () => {
    const multiplied = await multiplicationsAfter(({ graph, a, b, scaled }) => {
      const product = matMul(graph, a, b, true);
      return [scaled(product), elementwise(graph, 'Exp', [product])];
    });
    expect(multiplied).toBe(1);
  });

  it('leaves other values alone, and results', async () => {
    expect(await multiplicationsAfter(({ a, scaled }) => [scaled(a)])).toBe(1);
    const { graph, a, b, scaled } = setting();
    const result = scaled(matMul(graph, a, b, true));
    scaleProducts(graph, [result]);
    expect(result.op).toBe('Mul');
  });
});

describe("Adam's gradients", () => {
  /** One update of a weight whose gradient is a product, and of a bias. */
  async function update(target: Target) {
    const graph = new Graph(target);
    const input = (name: string, shape: number[]): Value => graph.input(name, shape, 'float32');
    const weight = matMul(graph, input('a', [6, 4]), input('b', [6, 5]), true);
    const bias = matMul(graph, full(graph, [1, 6], 1, 'float32'), input('b', [6, 5]));
    const shapes = { 0: [4, 5], 1: [1, 5] };
    const inputs: Record<string, Value> = { gradient0: weight, gradient1: bias };
    for (const [index, shape] of Object.entries(shapes)) {
      for (const name of ['value', 'first', 'second']) inputs[name + index] = input(name + index, shape);
    }
    inputs['size'] = graph.scalar(0.1);
    inputs['epsilon'] = graph.scalar(1e-3);
    const attributes = { count: 2, beta1: 0.9, beta2: 0.999, decay: 0 };
    const parts = kernels.get('MilestonesAdam')!(graph, inputs, attributes) as Value[];
    const all = concat(
      graph,
      parts.map((part) => reshape(graph, part, [part.size])),
      0,
    );
    scaleProducts(graph, [all]);
    const moments = Object.fromEntries(
      Object.entries(shapes).flatMap(([index, [rows, columns]]) =>
        ['value', 'first', 'second'].map((name) => [
          name + index,
          numbers(rows! * columns!, 7).map((value) => (name === 'second' ? value ** 2 : value)),
        ]),
      ),
    );
    const found = await runGraph(graph, { all }, { ...feeds, ...moments });
    return { values: Array.from(found['all']!.data as Float32Array), nodes: nodesBehind([all]) };
  }

  it('take 1 − β₁ from their products, with the same numbers', async () => {
    const [scaled, plain] = [await update(plainCpu), await update({ ...plainCpu, without: ['scaled gradients'] })];
    const multiplications = ({ nodes }: typeof plain): number => nodes.filter(({ op }) => op === 'Mul').length;
    expect(multiplications(plain) - multiplications(scaled)).toBe(1);
    scaled.values.forEach((value, index) => expect(value).toBeCloseTo(plain.values[index]!, 5));
  });

  it('are left alone where they are no products', () => {
    const { graph, a, b } = setting();
    expect(isScalable(reshape(graph, matMul(graph, a, b, true), [20]))).toBe(true);
    expect(isScalable(elementwise(graph, 'Exp', [matMul(graph, a, b, true)]))).toBe(false);
    expect(isScalable(a)).toBe(false);
  });
});

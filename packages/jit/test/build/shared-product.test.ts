/** Products with shared weights, and what is computed from their results, which lie blocked where the target has blocks. */
import { describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { matMul } from '../../src/build/matmul.ts';
import { reduce } from '../../src/build/reduce.ts';
import { sharedProduct } from '../../src/build/shared-product.ts';
import { concat, pad, slice } from '../../src/build/shape.ts';
import { layoutOf } from '../../src/build/layout.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu, type Target } from '../../src/graph/target.ts';
import { sizeOf, type Value } from '../../src/graph/value.ts';
import { kernels } from '../../src/kernels/index.ts';
import { allTargets } from '../kernels/targets.ts';
import { runGraph } from '../run-graph.ts';

const targets = await allTargets();

type Product = typeof sharedProduct;
/** The reference: products as ever, on the plain target. */
const plainProduct: Product = (graph, x, weight, transposed) => matMul(graph, x, weight, false, transposed);

const shapes = { x: [24, 32], weight: [32, 64], bias: [64], mask: [24, 1], other: [24, 64] } as const;
type Name = keyof typeof shapes;
type Program = (graph: Graph, product: Product, inputs: Record<Name, Value>) => Record<string, Value>;

async function run(target: Target, product: Product, program: Program): Promise<Record<string, Float32Array>> {
  const graph = new Graph(target);
  const names = Object.keys(shapes) as Name[];
  const inputs = Object.fromEntries(names.map((name) => [name, graph.input(name, shapes[name], 'float32')])) as Record<
    Name,
    Value
  >;
  const feeds = Object.fromEntries(
    names.map((name, seed) => [
      name,
      Float32Array.from({ length: sizeOf(shapes[name]) }, (_, index) => Math.sin(index * index * 0.37 + seed)),
    ]),
  );
  const found = await runGraph(graph, program(graph, product, inputs), feeds);
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]));
}

const programs: Record<string, Program> = {
  'weights as they lie, and transposed': (graph, product, { x, weight }) => {
    const y = product(graph, x, weight, false);
    return { y, back: product(graph, y, weight, true) };
  },
  'a step of a recurrent net': (graph, product, { x, weight, bias, mask, other }) => {
    const split = (value: Value, count: number, axis: number): readonly Value[] =>
      kernels.get('SplitV')!(graph, { x: value }, { numOrSizeSplits: count, axis }) as readonly Value[];
    const projected = elementwise(graph, 'Add', [product(graph, x, weight, false), bias]);
    const steps = split(projected, 3, 0);
    const states = steps.map((own) => {
      const gates = elementwise(graph, 'Add', [product(graph, slice(graph, x, [0, 0], [8, 32]), weight, false), own]);
      const [left, right] = split(gates, 2, 1) as [Value, Value];
      return elementwise(graph, 'Mul', [elementwise(graph, 'Sigmoid', [left]), elementwise(graph, 'Tanh', [right])]);
    });
    const all = concat(graph, states, 0);
    const masked = elementwise(graph, 'Mul', [all, mask]);
    return {
      all,
      wide: concat(graph, [masked, all], 1),
      mixed: elementwise(graph, 'Sub', [concat(graph, [masked, all], 1), other]),
      sums: reduce(graph, 'ReduceSum', masked, [0], false),
      means: reduce(graph, 'ReduceMean', all, [-1], true),
      largest: reduce(graph, 'ReduceMax', all, [0], true),
    };
  },
  'slices and pads, at blocks and between': (graph, product, { x, weight }) => {
    const y = product(graph, x, weight, false);
    return {
      rows: slice(graph, y, [3, 0], [5, 64]),
      blocks: slice(graph, y, [0, 16], [24, 32]),
      between: slice(graph, y, [2, 5], [20, 17]),
      padded: pad(graph, y, [[1, 2], [16, 0]]), // prettier-ignore
      uneven: pad(graph, y, [[0, 0], [1, 0]], 2), // prettier-ignore
    };
  },
  'too few rows for blocks': (graph, product, { x, weight }) => ({
    y: product(graph, slice(graph, x, [0, 0], [1, 32]), weight, false),
  }),
};

describe('shared products', () => {
  it.each(Object.keys(programs))('agree with plain ones: %s', async (name) => {
    const expected = await run(plainCpu, plainProduct, programs[name]!);
    for (const target of targets) {
      const found = await run(target, sharedProduct, programs[name]!);
      for (const [output, values] of Object.entries(expected)) {
        expect(found[output]!.length).toBe(values.length);
        found[output]!.forEach((value, index) => expect(Math.abs(value - values[index]!)).toBeLessThan(2e-5));
      }
    }
  });

  it('put their weights in order once, and results stay blocked', () => {
    const graph = new Graph({ name: 'cpu-blocked', block: 16 });
    const weight = graph.input('weight', [32, 32], 'float32');
    let x = graph.input('x', [16, 32], 'float32');
    const orders = new Set<Value>();
    for (let step = 0; step < 3; step++) {
      x = elementwise(graph, 'Tanh', [sharedProduct(graph, x, weight, false)]);
      expect(layoutOf(x)).toBe('blocked');
      const reshaped = x.node!.inputs[0]!.node!.inputs[0]!;
      orders.add(reshaped.node!.inputs[0]!.node!.inputs[1]!);
    }
    expect(orders.size).toBe(1);
  });
});

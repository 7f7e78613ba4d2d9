/** What is computed on images that lie with their pixels first is what it is on plain ones. */
import { describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { asLayout, layoutOf, physical, type LayoutKind } from '../../src/build/layout.ts';
import { reduce } from '../../src/build/reduce.ts';
import { cast, concat, pad, slice, stridedSlice, transpose } from '../../src/build/shape.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { Value } from '../../src/graph/value.ts';
import { Generator } from '../kernels/against-cpu.ts';
import { allTargets } from '../kernels/targets.ts';
import { runGraph } from '../run-graph.ts';

const targets = await allTargets();

const programs: Record<string, (graph: Graph, x: Value, other: Value) => Value> = {
  'a sum with a row of channels': (graph, x, other) =>
    elementwise(graph, 'Add', [x, slice(graph, other, [0, 0, 0, 0], [1, 1, 1, x.shape[3]!])]),
  'a product with one channel': (graph, x, other) =>
    elementwise(graph, 'Mul', [x, slice(graph, other, [0, 0, 0, 0], [2, 5, 4, 1])]),
  'a sum with an image of another layout': (graph, x, other) => {
    const kind: LayoutKind = graph.target.block > 0 && x.shape[3]! % graph.target.block === 0 ? 'blocked' : 'nchw';
    return elementwise(graph, 'Add', [x, asLayout(graph, physical(graph, other, kind), kind, other.shape)]);
  },
  'a sum over images and pixels': (graph, x) => reduce(graph, 'ReduceSum', x, [0, 1, 2], false),
  'a mean over pixels': (graph, x) => reduce(graph, 'ReduceMean', x, [1, 2], true),
  'a largest channel': (graph, x) => reduce(graph, 'ReduceMax', x, [3], true),
  'a pad of all axes': (graph, x) => pad(graph, x, [[1, 0], [0, 2], [3, 0], [0, 1]], 2), // prettier-ignore
  'a slice of all axes': (graph, x) => stridedSlice(graph, x, [1, 4, 0, 0], [2, -1, 4, x.shape[3]!], [1, -2, 3, 1]),
  'a concatenation along each axis': (graph, x) =>
    concat(graph, [concat(graph, [x, x], 0), concat(graph, [x, x], 0)].map((y) => concat(graph, [y, y], 3)), 1), // prettier-ignore
  'a transpose': (graph, x) => transpose(graph, x, [3, 1, 0, 2]),
  'a cast': (graph, x) => cast(graph, x, 'int32'),
};

describe.each(targets)('on $name with blocks of $block', (target) => {
  it.each([32, 3, 1])('%i channels', async (channels) => {
    const generator = new Generator(9);
    const graph = new Graph(target);
    const shape = [2, 5, 4, channels];
    const x = graph.input('x', shape, 'float32');
    const other = graph.input('other', shape, 'float32');
    const laid = asLayout(graph, physical(graph, x, 'pixels'), 'pixels', shape);
    expect(layoutOf(laid)).toBe('pixels');
    const outputs = Object.entries(programs).flatMap(([name, program]) => [
      [`expected ${name}`, program(graph, x, other)] as const,
      [`found ${name}`, program(graph, laid, other)] as const,
    ]);
    const feeds = {
      x: generator.operand(shape, 'float32', 9).data as Float32Array,
      other: generator.operand(shape).data as Float32Array,
    };
    const results = await runGraph(graph, Object.fromEntries(outputs), feeds);
    for (const name of Object.keys(programs)) {
      const [expected, found] = [results[`expected ${name}`]!, results[`found ${name}`]!];
      expect(found.shape, name).toEqual(expected.shape);
      const numbers = Array.from(expected.data as Float32Array);
      numbers.forEach((number, index) => expect((found.data as Float32Array)[index], name).toBeCloseTo(number, 4));
    }
  });
});

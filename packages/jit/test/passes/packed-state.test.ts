import { describe, expect, it } from 'vitest';
import { elementwise } from '../../src/build/elementwise.ts';
import { concat, reshape } from '../../src/build/shape.ts';
import { emitModel } from '../../src/emit/emit.ts';
import { Graph } from '../../src/graph/graph.ts';
import { plainCpu, webgpu } from '../../src/graph/target.ts';
import { sizeOf, type Value } from '../../src/graph/value.ts';
import { packState, type StateVariable } from '../../src/passes/packed-state.ts';
import { runGraph } from '../run-graph.ts';

const shapes = [[2, 2], [3]];

/** Doubles all variables as one vector. */
function doubled(graph: Graph, order = [0, 1]): { variables: StateVariable[]; vector: Value } {
  const before = shapes.map((shape, index) => graph.input(`variable${index}`, shape, 'float32'));
  const joined = concat(
    graph,
    before.map((value) => reshape(graph, value, [value.size])),
    0,
  );
  const vector = elementwise(graph, 'Add', [joined, joined]);
  const sizes = shapes.map(sizeOf);
  const outputs = sizes.map((size) => ({ shape: [size], dtype: 'float32' }) as const);
  const pieces = graph.node('Split', [vector, graph.integers(sizes)], { axis: 0 }, outputs);
  const after = order.map((position, index) =>
    pieces[position]!.size === sizeOf(shapes[index]!) ? reshape(graph, pieces[position]!, shapes[index]!) : undefined,
  );
  return { variables: before.map((value, index) => ({ before: value, after: after[index] })), vector };
}

describe('packState', () => {
  it('makes one vector of variables that are joined and cut again', async () => {
    const graph = new Graph(plainCpu);
    const { variables, vector } = doubled(graph);
    const [first] = variables;
    const sum = elementwise(graph, 'Add', [first!.before!, graph.scalar(1)]);
    const [packed, ...others] = packState(graph, variables, [sum]);
    expect(others).toEqual([]);
    expect(packed!.after).toBe(vector);
    expect([...packed!.offsets]).toEqual([
      [0, 0],
      [1, 4],
    ]);
    const { inputs, nodeCount } = emitModel(graph, [
      { name: 'sum', value: sum },
      { name: 'next', value: packed!.after },
    ]);
    // The first variable is still read on its own; join, cut and reshapes are gone.
    expect(inputs.map(({ inputName }) => inputName)).toEqual(['variable0', packed!.input]);
    expect(nodeCount).toBe(2);
    const results = await runGraph(
      graph,
      { sum, next: packed!.after },
      { variable0: Float32Array.of(1, 2, 3, 4), [packed!.input]: Float32Array.of(1, 2, 3, 4, 5, 6, 7) },
    );
    expect([...results['next']!.data]).toEqual([2, 4, 6, 8, 10, 12, 14]);
  });

  it('leaves a cut alone that is not all variables', () => {
    const graph = new Graph(plainCpu);
    const { variables } = doubled(graph);
    expect(packState(graph, [variables[0]!, { before: variables[1]!.before, after: undefined }], [])).toEqual([]);
  });

  it('leaves tensors apart that live on a GPU', () => {
    const graph = new Graph(webgpu);
    expect(packState(graph, doubled(graph).variables, [])).toEqual([]);
  });

  it('packs what is written together also where it is not read together', () => {
    const graph = new Graph(plainCpu);
    const { variables, vector } = doubled(graph);
    const unread = variables.map(({ after }) => ({ before: undefined, after }));
    const [packed] = packState(graph, unread, []);
    expect(packed!.after).toBe(vector);
    expect(emitModel(graph, [{ name: 'next', value: vector }]).inputs.length).toBe(2);
  });
});

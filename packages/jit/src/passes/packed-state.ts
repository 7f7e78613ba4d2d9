/**
 * State that a step updates as one vector is kept as one vector.
 *
 * An optimizer that treats all parameters alike joins them (Concat), computes, and cuts the result in pieces again (Split):
 * four copies of everything for nothing but the variables' names. Where all pieces of a cut are the next values of
 * variables, the vector itself becomes the state, and the variables are parts of it: the session feeds each from its place.
 */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type GraphNode, type Value } from '../graph/value.ts';
import { nodesBehind, replace } from './rewrite.ts';

/** A variable of the step, with the values that stand for it before and after. */
export interface StateVariable {
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** Variables that became parts of one vector. */
export interface PackedState {
  /** The name of the vector's input, also where the graph reads only parts. */
  readonly input: string;
  /** The next value, [size]. */
  readonly after: Value;
  /** Where the values of each variable begin, by the variable's position. */
  readonly offsets: ReadonlyMap<number, number>;
}

/**
 * Finds what can be packed. The graph changes: nodes that read joined variables read the vector from then on.
 *
 * @param variables the variables of the step
 * @param results further values that the graph must still give
 */
export function packState(
  graph: Graph,
  variables: readonly StateVariable[],
  results: readonly Value[],
): readonly PackedState[] {
  // A tensor on a GPU is no part of another one.
  if (graph.target.name === 'webgpu') return [];
  const outputs = [...results, ...variables.flatMap(({ after }) => (after === undefined ? [] : [after]))];
  const nodes = nodesBehind(outputs);
  return cuts(variables).map(({ vector, members }, index) => {
    const input = `state${index}`;
    const joined = (node: GraphNode): boolean =>
      node.op === 'Concat' &&
      node.attributes['axis'] === 0 &&
      node.inputs.length === members.length &&
      node.inputs.every((part, position) => {
        const { before } = variables[members[position]!]!;
        return before !== undefined && flattened(part!) === before;
      });
    const join = nodes.find(joined)?.outputs[0];
    if (join !== undefined && !outputs.includes(join)) {
      replace(nodes, join, graph.input(input, vector.shape, vector.dtype));
    }
    const offsets = new Map<number, number>();
    let offset = 0;
    for (const member of members) {
      offsets.set(member, offset);
      offset += sizeOf(variables[member]!.after!.shape);
    }
    return { input, after: vector, offsets };
  });
}

/** Vectors whose pieces are the next values of variables, one piece for each of them, with the variables' positions. */
function cuts(variables: readonly StateVariable[]): { vector: Value; members: number[] }[] {
  const members = new Map<GraphNode, Map<Value, number>>();
  variables.forEach(({ after }, position) => {
    const piece = after === undefined ? undefined : flattened(after);
    if (piece?.op !== 'Split' || piece.shape.length !== 1 || piece.dtype !== 'float32') return;
    const known = members.get(piece.node!) ?? new Map<Value, number>();
    // Two variables with one value: the second is no part, and the cut no match.
    if (!known.has(piece)) known.set(piece, position);
    else known.delete(piece);
    members.set(piece.node!, known);
  });
  return [...members].flatMap(([split, positions]) => {
    if (positions.size !== split.outputs.length) return [];
    return [{ vector: split.inputs[0]!, members: split.outputs.map((piece) => positions.get(piece)!) }];
  });
}

/** A value before it was given another shape. */
function flattened(value: Value): Value {
  return value.op === 'Reshape' ? value.node!.inputs[0]! : value;
}

/**
 * What moves values without computing. Where the operation can be done as the tensor lies, a `Layout` stays;
 * `reshape`, `transpose` and `expand` ask for the plain tensor.
 */
import type { Graph } from '../graph/graph.ts';
import { sameShape, type GraphDtype, type Value } from '../graph/value.ts';
import { asLayout, layoutOf, materialize } from './layout.ts';
import * as plain from './plain.ts';
import { concatThroughLayout, padThroughLayout, sliceThroughLayout } from './through-layout.ts';

export { full } from './plain.ts';

/** The values in row-major order under another shape of the same size. */
export function reshape(graph: Graph, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value;
  return plain.reshape(graph, materialize(graph, value), shape);
}

/** Axis i of the result is axis `permutation[i]` of the value. */
export function transpose(graph: Graph, value: Value, permutation: readonly number[]): Value {
  if (permutation.every((axis, position) => axis === position)) return value;
  return plain.transpose(graph, materialize(graph, value), permutation);
}

/** `size[i]` values along each axis from `begin[i]` on. */
export function slice(graph: Graph, value: Value, begin: readonly number[], size: readonly number[]): Value {
  if (sameShape(value.shape, size)) return value;
  return (
    sliceThroughLayout(graph, value, [begin, begin.map((start, axis) => start + size[axis]!), begin.map(() => 1)]) ??
    plain.slice(graph, materialize(graph, value), begin, size)
  );
}

/** The values `begin`, `begin + stride`, … before `end` along each axis; for a negative stride, `end` may be −1. */
export function stridedSlice(
  graph: Graph,
  value: Value,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[],
): Value {
  return (
    sliceThroughLayout(graph, value, [begin, end, strides]) ??
    plain.stridedSlice(graph, materialize(graph, value), begin, end, strides)
  );
}

/** The values one after another along an axis. */
export function concat(graph: Graph, values: readonly Value[], axis: number): Value {
  const filled = values.filter((value) => value.size > 0);
  if (filled.length === 1) return filled[0]!;
  const laid = concatThroughLayout(graph, filled, axis);
  if (laid !== undefined) return laid;
  return plain.concat(
    graph,
    values.map((value) => materialize(graph, value)),
    axis,
  );
}

/** `pads[i]` = [before, after] copies of a number around axis i. */
export function pad(graph: Graph, value: Value, pads: readonly (readonly [number, number])[], number = 0): Value {
  if (pads.every(([before, after]) => before === 0 && after === 0)) return value;
  return padThroughLayout(graph, value, pads, number) ?? plain.pad(graph, materialize(graph, value), pads, number);
}

/** The value repeated to a shape that it broadcasts to. */
export function expand(graph: Graph, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value;
  return plain.expand(graph, materialize(graph, value), shape);
}

/**
 * The value in another element type, as ONNX's Cast defines it: numbers out of range are undefined. tfjs's rules are
 * those of `convert`.
 */
export function cast(graph: Graph, value: Value, dtype: GraphDtype): Value {
  const kind = layoutOf(value);
  if (kind === undefined) return plain.cast(graph, value, dtype);
  return asLayout(graph, plain.cast(graph, value.node!.inputs[0]!, dtype), kind, value.shape);
}

/** Reductions over axes. */
import type { Graph } from '../graph/graph.ts';
import type { GraphDtype, Value } from '../graph/value.ts';
import { materialize } from './layout.ts';
import { matMul } from './matmul.ts';
import { full, reshape } from './shape.ts';
import { reduceThroughLayout } from './through-layout.ts';

/** ONNX's reductions that are used here. */
export type ReduceOp = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd';

/** What a reduction of nothing is, as tfjs's cpu engine has it: an extreme is what a typed array makes of `undefined`. */
function ofNothing(op: ReduceOp, dtype: GraphDtype): number {
  if (op === 'ReduceProd') return 1;
  return (op === 'ReduceMax' || op === 'ReduceMin') && dtype === 'float32' ? NaN : 0;
}

/**
 * Reduces axes.
 * @param axes axes from 0 on, or negative from the end
 * @param keepDims whether a reduced axis stays with size 1
 */
export function reduce(graph: Graph, op: ReduceOp, x: Value, axes: readonly number[], keepDims: boolean): Value {
  const reduced = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis)).sort((left, right) => left - right);
  const kept = x.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
  const shape = keepDims ? kept : x.shape.filter((_, axis) => !reduced.includes(axis));
  if (x.size === 0) return full(graph, shape, ofNothing(op, x.dtype), x.dtype);
  // Of one value, each of these reductions is that value.
  const wide = reduced.filter((axis) => x.shape[axis] !== 1);
  if (wide.length === 0) return reshape(graph, x, shape);
  const sums =
    reduceThroughLayout(graph, op, x, wide) ??
    sumOfRows(graph, op, x, wide, kept) ??
    graph.op(op, [materialize(graph, x), graph.integers(wide)], { keepdims: 1 }, kept, x.dtype);
  return reshape(graph, sums, shape);
}

/** From this many values on, the sum of rows is a product. */
const LARGE_SUM = 2 ** 14;

/** A sum over all axes but the last, as that of a bias's gradient, is a row of ones times a matrix: twice as fast. */
function sumOfRows(
  graph: Graph,
  op: ReduceOp,
  x: Value,
  axes: readonly number[],
  kept: readonly number[],
): Value | undefined {
  const columns = x.shape.at(-1)!;
  const rows = x.size / columns;
  const leading = kept.slice(0, -1).every((size) => size === 1) && !axes.includes(x.shape.length - 1);
  if (op !== 'ReduceSum' || x.dtype !== 'float32' || !leading || columns < 16 || x.size < LARGE_SUM) return undefined;
  const ones = full(graph, [1, rows], 1, 'float32');
  return reshape(graph, matMul(graph, ones, reshape(graph, x, [rows, columns])), kept);
}

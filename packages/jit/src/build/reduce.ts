/** Reductions over axes. */
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type GraphDtype, type Value } from '../graph/value.ts';
import { materialize } from './layout.ts';
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
  const laid = reduceThroughLayout(graph, op, x, wide);
  if (laid !== undefined) return reshape(graph, laid, shape);
  const plain = materialize(graph, x);
  if (op === 'ReduceSum' && x.dtype === 'float32') {
    const sums = sumOfRows(graph, plain, wide);
    if (sums !== undefined) return reshape(graph, sums, shape);
  }
  const drops = !keepDims && wide.length === reduced.length;
  const inputs = [plain, graph.integers(wide)];
  return reshape(graph, graph.op(op, inputs, { keepdims: Number(!drops) }, drops ? shape : kept, x.dtype), shape);
}

/** More rows than this are left to ReduceSum: a running sum of so many float32 would lose too much. */
const LARGEST_ROW_COUNT = 4096;
/** With fewer columns a product has nothing to gain. */
const SMALLEST_COLUMN_COUNT = 16;

/**
 * A sum over leading axes, as gradients of biases are: the product of a row of ones with the matrix of all rows. ReduceSum
 * takes two to four times as long, ten times where its second thread sleeps.
 */
function sumOfRows(graph: Graph, x: Value, axes: readonly number[]): Value | undefined {
  const boundary = axes.at(-1)! + 1;
  const isLeading = x.shape.slice(0, boundary).every((size, axis) => size === 1 || axes.includes(axis));
  const columns = sizeOf(x.shape.slice(boundary));
  const rows = x.size / columns;
  if (!isLeading || rows > LARGEST_ROW_COUNT || columns < SMALLEST_COLUMN_COUNT) return undefined;
  const inputs = [full(graph, [1, rows], 1, 'float32'), reshape(graph, x, [rows, columns])];
  return graph.op('MatMul', inputs, {}, [1, columns], 'float32');
}

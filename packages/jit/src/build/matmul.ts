/** Products of matrices. */
import type { Graph } from '../graph/graph.ts';
import { sameShape, sizeOf, type Attributes, type Value } from '../graph/value.ts';
import { broadcastShape } from './elementwise.ts';
import { layoutOf, materialize } from './layout.ts';
import { full, reshape, transpose } from './shape.ts';

/**
 * Products of the matrices in the last two axes; the axes before them broadcast.
 * @param transposeA whether the matrices of `a` lie transposed, [K, M] instead of [M, K]
 * @param transposeB whether the matrices of `b` lie transposed, [N, K] instead of [K, N]
 * @returns [..., M, N]
 */
export function matMul(graph: Graph, a: Value, b: Value, transposeA = false, transposeB = false): Value {
  // Models that leave the program, and GPUs, take products apart whose factor would be lost.
  const folds = graph.target.portable !== true && graph.target.name !== 'webgpu';
  const [plainA, scaleA] = folds ? withoutScale(graph, materialize(graph, a)) : [materialize(graph, a), 1];
  const [plainB, scaleB] = folds ? withoutScale(graph, materialize(graph, b)) : [materialize(graph, b), 1];
  const scale = scaleA * scaleB;
  const left = withoutSwap(graph, plainA, transposeA);
  const right = withoutSwap(graph, plainB, transposeB);
  const [rows, inner] = matrixSize(left);
  const [, columns] = matrixSize(right);
  const batch = broadcastShape(left.value.shape.slice(0, -2), right.value.shape.slice(0, -2));
  const shape = [...batch, rows, columns];
  const dtype = a.dtype;
  if (sizeOf(shape) === 0 || inner === 0) return full(graph, shape, 0, dtype);
  const rightMatrices = sizeOf(right.value.shape.slice(0, -2));
  const leftMatrices = sizeOf(left.value.shape.slice(0, -2));
  const isSingle = rightMatrices === 1 && (leftMatrices === 1 || !left.transposed);
  // Gemm and FusedMatMul know only real numbers; FusedMatMul runs on no GPU.
  if (dtype !== 'float32' || (graph.target.name === 'webgpu' && !isSingle)) {
    return graph.op('MatMul', [swapped(graph, left), swapped(graph, right)], {}, shape, dtype);
  }
  if (isSingle) {
    // All rows of all left matrices against one right matrix: a single product.
    const height = leftMatrices * rows;
    const tall = reshape(graph, left.value, left.transposed ? [inner, rows] : [height, inner]);
    const flat = reshape(graph, right.value, right.transposed ? [columns, inner] : [inner, columns]);
    const product = singleProduct(graph, tall, flat, left.transposed, right.transposed, [height, columns], scale);
    return reshape(graph, product, shape);
  }
  if (!left.transposed && !right.transposed && scale === 1) {
    return graph.op('MatMul', [left.value, right.value], {}, shape, dtype);
  }
  const flags = { transA: Number(left.transposed), transB: Number(right.transposed), ...scaled(scale) };
  return graph.op('com.microsoft:FusedMatMul', [left.value, right.value], flags, shape, dtype);
}

/** A tensor of matrices, and whether they lie transposed. */
interface Matrices {
  readonly value: Value;
  readonly transposed: boolean;
}

function matrixSize({ value, transposed }: Matrices): [number, number] {
  const [first, second] = value.shape.slice(-2) as [number, number];
  return transposed ? [second, first] : [first, second];
}

/** The factor of a product, where it is not 1. */
function scaled(scale: number): Attributes {
  return scale === 1 ? {} : { alpha: { float: scale } };
}

/**
 * A real factor of a whole tensor becomes one of the product, which costs nothing: the scale of attention, or that of a mean
 * loss on its way back. The scaled tensor is not computed if nothing else needs it.
 */
function withoutScale(graph: Graph, value: Value): [Value, number] {
  if (value.op === 'Reshape') {
    const [inner, scale] = withoutScale(graph, value.node!.inputs[0]!);
    return scale === 1 ? [value, 1] : [reshape(graph, inner, value.shape), scale];
  }
  if (value.op !== 'Mul' || value.dtype !== 'float32') return [value, 1];
  const [first, second] = value.node!.inputs as readonly [Value, Value];
  for (const [factor, rest] of [
    [first, second],
    [second, first],
  ] as const) {
    // A factor that underflows or is no number must act on every value as it did.
    const isPlain = factor.splat !== undefined && Number.isFinite(factor.splat) && factor.splat !== 0;
    if (isPlain && sameShape(rest.shape, value.shape) && layoutOf(rest) === undefined) return [rest, factor.splat];
  }
  return [value, 1];
}

/** A transpose of the last two axes becomes a flag of the product. */
function withoutSwap(_graph: Graph, value: Value, transposed: boolean): Matrices {
  const permutation = value.op === 'Transpose' ? (value.node!.attributes['perm'] as readonly number[]) : [];
  const last = permutation.length - 1;
  const isSwap =
    last >= 1 &&
    permutation.every(
      (axis, position) => axis === (position < last - 1 ? position : position === last ? last - 1 : last),
    );
  return isSwap ? { value: value.node!.inputs[0]!, transposed: !transposed } : { value, transposed };
}

function swapped(graph: Graph, { value, transposed }: Matrices): Value {
  if (!transposed) return value;
  const axes = value.shape.map((_, axis) => axis);
  const rank = axes.length;
  return transpose(graph, value, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

function singleProduct(
  graph: Graph,
  left: Value,
  right: Value,
  transposeLeft: boolean,
  transposeRight: boolean,
  shape: readonly number[],
  scale: number,
): Value {
  if (!transposeLeft && !transposeRight && scale === 1) return graph.op('MatMul', [left, right], {}, shape, 'float32');
  const flags = { transA: Number(transposeLeft), transB: Number(transposeRight), ...scaled(scale) };
  return graph.op('Gemm', [left, right], flags, shape, 'float32');
}

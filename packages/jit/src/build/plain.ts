/**
 * What moves the values of plain tensors without computing: each function leaves out what would change nothing, joins
 * what follows one another (a reshape of a reshape is one), and knows constants. Of values that may be a `Layout`, use
 * the functions of the same names in `shape.ts`.
 */
import type { Graph } from '../graph/graph.ts';
import { onnxTypes } from '../graph/onnx-type.ts';
import { sameShape, sizeOf, type GraphDtype, type Value } from '../graph/value.ts';

/** Constants up to this many values are computed while building. */
const FOLDED_SIZE = 64;

/** A tensor of one number. */
export function full(graph: Graph, shape: readonly number[], number: number, dtype: GraphDtype): Value {
  const size = sizeOf(shape);
  if (dtype === 'float32') return graph.constant(new Float32Array(size).fill(number), shape, dtype);
  if (dtype === 'bool') return graph.constant(new Uint8Array(size).fill(number), shape, dtype);
  if (dtype === 'int32') return graph.constant(new Int32Array(size).fill(number), shape, dtype);
  return graph.constant(Array.from<number>({ length: size }).fill(number), shape, dtype);
}

/** The values in row-major order under another shape of the same size. */
export function reshape(graph: Graph, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value;
  if (value.size !== sizeOf(shape)) {
    throw new Error(`reshape: ${value.size} values of [${value.shape.join(', ')}] do not fill [${shape.join(', ')}].`);
  }
  if (value.data !== undefined) return graph.constant(value.data, shape, value.dtype);
  if (value.size === 0) return full(graph, shape, 0, value.dtype);
  if (value.op === 'Reshape') return reshape(graph, value.node!.inputs[0]!, shape);
  return graph.op('Reshape', [value, graph.integers(shape)], {}, shape, value.dtype);
}

/** Axis i of the result is axis `permutation[i]` of the value. */
export function transpose(graph: Graph, value: Value, permutation: readonly number[]): Value {
  if (permutation.every((axis, position) => axis === position)) return value;
  const shape = permutation.map((axis) => value.shape[axis]!);
  if (value.size === 0) return full(graph, shape, 0, value.dtype);
  if (value.splat !== undefined) return reshape(graph, value, shape);
  if (value.op === 'Transpose') {
    const before = value.node!.attributes['perm'] as readonly number[];
    return transpose(
      graph,
      value.node!.inputs[0]!,
      permutation.map((axis) => before[axis]!),
    );
  }
  // Where only axes of size 1 move, nothing moves in memory.
  const moved = permutation.filter((axis) => value.shape[axis] !== 1);
  if (moved.every((axis, position) => position === 0 || moved[position - 1]! < axis))
    return reshape(graph, value, shape);
  return graph.op('Transpose', [value], { perm: [...permutation] }, shape, value.dtype);
}

/** `size[i]` values along each axis from `begin[i]` on. */
export function slice(graph: Graph, value: Value, begin: readonly number[], size: readonly number[]): Value {
  if (sameShape(value.shape, size)) return value;
  return stridedSlice(
    graph,
    value,
    begin,
    begin.map((start, axis) => start + size[axis]!),
    begin.map(() => 1),
  );
}

/** ONNX's mark for "to the beginning" where a step is negative: an end below every index. */
const BEFORE_ALL = -0x7fffffff;

/** The values `begin`, `begin + stride`, … before `end` along each axis; for a negative stride, `end` may be −1. */
export function stridedSlice(
  graph: Graph,
  value: Value,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[],
): Value {
  const shape = begin.map((start, axis) => Math.max(0, Math.ceil((end[axis]! - start) / strides[axis]!)));
  if (sizeOf(shape) === 0) return full(graph, shape, 0, value.dtype);
  if (value.splat !== undefined) return full(graph, shape, value.splat, value.dtype);
  const axes = value.shape.flatMap((_, axis) =>
    begin[axis] === 0 && strides[axis] === 1 && shape[axis] === value.shape[axis] ? [] : [axis],
  );
  if (axes.length === 0) return value;
  const turned = axes.find((axis) => strides[axis]! < 0);
  if (turned !== undefined && graph.target.name === 'webgpu') {
    // The GPU's Slice goes wrong where a step is negative.
    const places = Array.from({ length: shape[turned]! }, (_, index) => begin[turned]! + index * strides[turned]!);
    const picked = value.shape.with(turned, places.length);
    const along = graph.op('Gather', [value, graph.integers(places)], { axis: turned }, picked, value.dtype);
    return stridedSlice(graph, along, begin.with(turned, 0), end.with(turned, places.length), strides.with(turned, 1));
  }
  const starts = axes.map((axis) => begin[axis]!);
  const ends = axes.map((axis) => (end[axis]! < 0 ? BEFORE_ALL : end[axis]!));
  const steps = axes.map((axis) => strides[axis]!);
  const limits = [graph.integers(starts), graph.integers(ends), graph.integers(axes)];
  if (steps.some((step) => step !== 1)) limits.push(graph.integers(steps));
  return graph.op('Slice', [value, ...limits], {}, shape, value.dtype);
}

/** The values one after another along an axis. */
export function concat(graph: Graph, values: readonly Value[], axis: number): Value {
  const first = values[0]!;
  const shape = first.shape.map((size, position) =>
    position === axis ? values.reduce((sum, value) => sum + value.shape[axis]!, 0) : size,
  );
  const filled = values.filter((value) => value.size > 0);
  if (filled.length === 0) return full(graph, shape, 0, first.dtype);
  if (filled.length === 1) return filled[0]!;
  return graph.op('Concat', filled, { axis }, shape, first.dtype);
}

/** `pads[i]` = [before, after] copies of a number around axis i. */
export function pad(graph: Graph, value: Value, pads: readonly (readonly [number, number])[], number = 0): Value {
  if (pads.every(([before, after]) => before === 0 && after === 0)) return value;
  const shape = value.shape.map((size, axis) => pads[axis]![0] + size + pads[axis]![1]);
  if (value.size === 0 || sizeOf(shape) === 0) return full(graph, shape, number, value.dtype);
  const amounts = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
  return graph.op('Pad', [value, graph.integers(amounts), graph.scalar(number, value.dtype)], {}, shape, value.dtype);
}

/** The value repeated to a shape that it broadcasts to. */
export function expand(graph: Graph, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value;
  if (value.splat !== undefined) return full(graph, shape, value.splat, value.dtype);
  if (sizeOf(shape) === 0) return full(graph, shape, 0, value.dtype);
  if (value.size === sizeOf(shape)) return reshape(graph, value, shape);
  return graph.op('Expand', [value, graph.integers(shape)], {}, shape, value.dtype);
}

/**
 * The value in another element type, as ONNX's Cast defines it: numbers out of range are undefined. tfjs's rules are
 * those of `convert`.
 */
export function cast(graph: Graph, value: Value, dtype: GraphDtype): Value {
  if (value.dtype === dtype) return value;
  if (value.size === 0) return full(graph, value.shape, 0, dtype);
  if (value.data !== undefined && (value.size <= FOLDED_SIZE || value.splat !== undefined)) {
    const foldable = Array.from(value.data as ArrayLike<number | bigint>, Number);
    if (dtype === 'bool')
      return graph.constant(
        foldable.map((number) => (number === 0 ? 0 : 1)),
        value.shape,
        dtype,
      );
    const whole = foldable.every((number) => Number.isInteger(number) && Math.abs(number) < 2 ** 31);
    if (dtype === 'float32' || dtype === 'float64' || whole) return graph.constant(foldable, value.shape, dtype);
  }
  // There and back again: exact where the type in between holds every value, as float32 holds 0 and 1.
  if (value.op === 'Cast') {
    const source = value.node!.inputs[0]!;
    if (source.dtype === dtype && dtype === 'bool') return source;
  }
  return graph.op('Cast', [value], { to: onnxTypes[dtype] }, value.shape, dtype);
}

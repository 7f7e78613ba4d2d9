/**
 * Reductions, concatenations, slices and pads of a tensor behind a `Layout`, computed as the tensor lies. Each function
 * returns undefined where that is impossible, and the caller materializes.
 */
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import { asLayout, blockedImage, imageShape, layoutOf, physical, type ImageShape, type LayoutKind } from './layout.ts';
import { concat, pad, reshape, stridedSlice } from './plain.ts';

/** The axis of the image that an axis of a value is: a matrix is an image of one row, its rows are pixels. */
function imageAxis(value: Value, axis: number): number {
  return axis + 4 - value.shape.length;
}

/** One number for each axis of a value, as numbers for the axes of its image. */
function ofImage<Item>(numbers: readonly Item[], missing: Item): readonly [Item, Item, Item, Item] {
  const lacking = Array.from({ length: 4 - numbers.length }, () => missing);
  return [...lacking, ...numbers] as unknown as readonly [Item, Item, Item, Item];
}

/** Axes of the physical tensor that an axis of the image became. */
function physicalAxes(kind: LayoutKind, axis: number): readonly number[] {
  if (kind === 'pixels') return [[2, 0, 1, 3][axis]!];
  if (axis === 0) return [0];
  if (axis < 3) return [axis + 1];
  return kind === 'nchw' ? [1] : [1, 4];
}

/** A reduction over logical axes (each larger than 1), which stay with size 1. */
export function reduceThroughLayout(graph: Graph, op: string, x: Value, reduced: readonly number[]): Value | undefined {
  const kind = layoutOf(x);
  if (kind === undefined) return undefined;
  const axes = reduced.map((axis) => imageAxis(x, axis));
  const image = imageShape(x.shape);
  const kept = image.map((size, axis) => (axes.includes(axis) ? 1 : size)) as unknown as ImageShape;
  const plane = axes.filter((axis) => axis === 1 || axis === 2);
  const wholePlane = image.every((size, axis) => (axis !== 1 && axis !== 2) || size === 1 || plane.includes(axis));
  if (kind === 'blocked' && x.dtype === 'float32' && wholePlane && (op === 'ReduceSum' || op === 'ReduceMean')) {
    const means = planeMeans(graph, x);
    const rest = axes.filter((axis) => axis === 0 || axis === 3).map((axis) => (axis === 0 ? 0 : 1));
    const shape = [kept[0], kept[3]];
    const mean =
      rest.length === 0 ? means : graph.op(op, [means, graph.integers(rest)], { keepdims: 1 }, shape, x.dtype);
    const count = graph.scalar(image[1] * image[2]);
    return reshape(graph, op === 'ReduceMean' ? mean : graph.op('Mul', [mean, count], {}, shape, x.dtype), kept);
  }
  const tensor = x.node!.inputs[0]!;
  const lying = axes.flatMap((axis) => physicalAxes(kind, axis)).sort((left, right) => left - right);
  const shape = tensor.shape.map((size, axis) => (lying.includes(axis) ? 1 : size));
  const result = graph.op(op, [tensor, graph.integers(lying)], { keepdims: 1 }, shape, x.dtype);
  const hasOrder = kept[3] > 1 || kind === 'pixels';
  return hasOrder ? asLayout(graph, result, kind, kept) : reshape(graph, result, kept);
}

/**
 * Mean over the pixels of each image and channel, [N, C]. ONNX Runtime's pooling of blocked tensors does in one pass over
 * memory what its reductions do three to five times slower.
 */
export function planeMeans(graph: Graph, x: Value): Value {
  const [n, , , c] = imageShape(x.shape);
  const means = graph.op('com.microsoft.nchwc:GlobalAveragePool', [blockedImage(graph, x)], {}, [n, c, 1, 1], x.dtype);
  return reshape(graph, means, [n, c]);
}

/** Images one after another along a logical axis. */
export function concatThroughLayout(graph: Graph, values: readonly Value[], axis: number): Value | undefined {
  const kinds = new Set(values.map((value) => layoutOf(value)));
  const kind = (['blocked', 'nchw', 'pixels'] as const).find((known) => kinds.has(known));
  if (kind === undefined) return undefined;
  const { block } = graph.target;
  if (kind === 'blocked' && values.some((value) => value.shape.at(-1)! % block !== 0)) return undefined;
  const shape = values[0]!.shape.map((size, position) =>
    position === axis ? values.reduce((sum, value) => sum + value.shape[axis]!, 0) : size,
  );
  // Tensors that have no layout get one: an image of one channel or pixel too must lie in full.
  const tensors = values.map((value) => physical(graph, value, kind));
  if (kind === 'blocked' && tensors.some((tensor) => tensor.shape[4] !== block)) return undefined;
  return asLayout(graph, concat(graph, tensors, physicalAxes(kind, imageAxis(values[0]!, axis))[0]!), kind, shape);
}

/** See `stridedSlice`: begin, end and strides. */
export function sliceThroughLayout(
  graph: Graph,
  value: Value,
  limits: readonly [readonly number[], readonly number[], readonly number[]],
): Value | undefined {
  const kind = layoutOf(value);
  if (kind === undefined) return undefined;
  const begin = ofImage(limits[0], 0);
  const end = ofImage(limits[1], 1);
  const strides = ofImage(limits[2], 1);
  const shape = begin.map((start, axis) => Math.max(0, Math.ceil((end[axis]! - start) / strides[axis]!)));
  if (kind === 'pixels') {
    const lie = (numbers: readonly number[]): number[] => [1, 2, 0, 3].map((axis) => numbers[axis]!);
    const sliced = stridedSlice(graph, value.node!.inputs[0]!, lie(begin), lie(end), lie(strides));
    return asLayout(graph, sliced, kind, shape.slice(4 - value.shape.length));
  }
  const { block } = graph.target;
  const blocked = kind === 'blocked';
  const ofBlocks = blocked && shape[3] !== value.shape.at(-1);
  if (ofBlocks && (strides[3] !== 1 || begin[3]! % block !== 0 || end[3]! % block !== 0)) return undefined;
  const size = blocked ? block : 1;
  const lie = (numbers: readonly number[], channels: number, within: number): number[] => [
    numbers[0]!,
    channels,
    numbers[1]!,
    numbers[2]!,
    ...(blocked ? [within] : []),
  ];
  const whole = blocked && !ofBlocks;
  const tensor = value.node!.inputs[0]!;
  const sliced = stridedSlice(
    graph,
    tensor,
    lie(begin, whole ? 0 : begin[3]! / size, 0),
    lie(end, whole ? tensor.shape[1]! : end[3]! < 0 ? end[3]! : end[3]! / size, block),
    lie(strides, whole ? 1 : strides[3]!, 1),
  );
  return asLayout(graph, sliced, kind, shape.slice(4 - value.shape.length));
}

/** Pieces of a value along an axis. */
export function splitThroughLayout(
  graph: Graph,
  value: Value,
  sizes: readonly number[],
  axis: number,
): Value[] | undefined {
  const kind = layoutOf(value);
  const { block } = graph.target;
  const unit = kind === 'blocked' && axis === value.shape.length - 1 ? block : 1;
  if (kind === undefined || sizes.some((size) => size === 0 || size % unit !== 0)) return undefined;
  const tensor = value.node!.inputs[0]!;
  const lying = physicalAxes(kind, imageAxis(value, axis))[0]!;
  const lengths = sizes.map((size) => size / unit);
  const outputs = lengths.map((length) => ({ shape: tensor.shape.with(lying, length), dtype: value.dtype }));
  return graph
    .node('Split', [tensor, graph.integers(lengths)], { axis: lying }, outputs)
    .map((piece, index) => asLayout(graph, piece, kind, value.shape.with(axis, sizes[index]!)));
}

/** See `pad`. */
export function padThroughLayout(
  graph: Graph,
  value: Value,
  amounts: readonly (readonly [number, number])[],
  number: number,
): Value | undefined {
  const kind = layoutOf(value);
  if (kind === undefined) return undefined;
  const none = [0, 0] as const;
  const pads = ofImage<readonly [number, number]>(amounts, none);
  const { block } = graph.target;
  const [before, after] = pads[3]!;
  const blocked = kind === 'blocked';
  if (blocked && (before % block !== 0 || after % block !== 0)) return undefined;
  const size = blocked ? block : 1;
  const channels = [before / size, after / size] as const;
  const lying =
    kind === 'pixels'
      ? [pads[1]!, pads[2]!, pads[0]!, pads[3]!]
      : [pads[0]!, channels, pads[1]!, pads[2]!, ...(blocked ? [none] : [])];
  const shape = value.shape.map((length, axis) => length + amounts[axis]![0] + amounts[axis]![1]);
  return asLayout(graph, pad(graph, value.node!.inputs[0]!, lying, number), kind, shape);
}

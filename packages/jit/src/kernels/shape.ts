/** What moves, repeats or generates values. Nothing here computes; every result is exact for every type. */
import * as tf from '@tensorflow/tfjs';
import { convert } from '../build/convert.ts';
import { elementwise } from '../build/elementwise.ts';
import { materialize } from '../build/layout.ts';
import { cast, concat, expand, full, pad, reshape, slice, stridedSlice, transpose } from '../build/shape.ts';
import { splitThroughLayout } from '../build/through-layout.ts';
import type { Graph } from '../graph/graph.ts';
import { canSplit } from '../graph/target.ts';
import { sizeOf, type GraphDtype, type Value } from '../graph/value.ts';
import { choose } from './comparison.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

const { backend_util: backendUtil, slice_util: sliceUtil, util } = tf;

/** An axis counted from the front. */
const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const reshapeKernel: Kernel = (graph, { x }, { shape }) =>
  reshape(graph, x!, util.inferFromImplicitShape(shape as number[], x!.size));

const expandDims: Kernel = (graph, { input }, { dim }) => {
  const rank = input!.shape.length;
  if (dim < -rank - 1 || dim > rank) {
    throw new Error(`ExpandDims: the axis is ${dim}; choose one in the interval [${-rank - 1}, ${rank}].`);
  }
  return reshape(graph, input!, input!.shape.toSpliced(fromFront(dim as number, rank + 1), 0, 1));
};

/** tfjs's functions that work out shapes ask for a tensor and read its shape. */
const shaped = (value: Value): tf.Tensor => ({ shape: value.shape }) as unknown as tf.Tensor;

const sliceKernel: Kernel = (graph, { x }, { begin, size }) => {
  const [from, counts] = sliceUtil.parseSliceParams(shaped(x!), begin as number[], size as number[]);
  sliceUtil.assertParamsValid(shaped(x!), from!, counts!);
  return slice(graph, x!, from!, counts!);
};

const stridedSliceKernel: Kernel = (graph, { x }, attributes) => {
  const info = sliceUtil.sliceInfo(
    [...x!.shape],
    attributes['begin'],
    attributes['end'],
    attributes['strides'],
    attributes['beginMask'],
    attributes['endMask'],
    attributes['ellipsisMask'],
    attributes['newAxisMask'],
    attributes['shrinkAxisMask'],
  );
  if (sizeOf(info.finalShape) === 0) return full(graph, info.finalShape, 0, x!.dtype);
  if (info.isIdentity) return reshape(graph, x!, info.finalShape);
  return reshape(graph, stridedSlice(graph, x!, info.begin, info.end, info.strides), info.finalShape);
};

const concatKernel: Kernel = (graph, inputs, { axis }) => {
  const values = Object.values(inputs);
  const { dtype, shape } = values[0]!;
  const shapes = values.map((value) => [...value.shape]);
  backendUtil.assertParamsConsistent(shapes, fromFront(axis as number, shape.length));
  const alike = values.map((value) => convert(graph, value, dtype));
  return concat(graph, alike, fromFront(axis as number, shape.length));
};

const pack: Kernel = (graph, inputs, { axis }) => {
  const types = new Set(Object.values(inputs).map((value) => value.dtype));
  if (types.size > 1)
    throw new Error(`Pack: tensors of the types ${[...types].join(' and ')} arrived; stack one type.`);
  const rows = Object.values(inputs).map((value) => expandDims(graph, { input: value }, { dim: axis }) as Value);
  return concatKernel(graph, rows as unknown as Record<string, Value>, {
    axis: fromFront(axis as number, rows[0]!.shape.length),
  });
};

function split(graph: Graph, x: Value, sizes: readonly number[], axis: number): readonly Value[] {
  if (sizes.length === 1) return [x];
  const laid = splitThroughLayout(graph, x, sizes, axis);
  if (laid !== undefined) return laid;
  const shapes = sizes.map((size) => x.shape.with(axis, size));
  const isSimple =
    canSplit(graph.target, sizes.length) && x.data === undefined && x.size > 0 && sizes.every((size) => size > 0);
  if (isSimple) {
    const outputs = shapes.map((shape) => ({ shape, dtype: x.dtype }));
    return graph.node('Split', [materialize(graph, x), graph.integers(sizes)], { axis }, outputs);
  }
  let start = 0;
  return shapes.map((shape) => {
    const begin = shape.map((_, position) => (position === axis ? start : 0));
    start += shape[axis]!;
    return slice(graph, x, begin, shape);
  });
}

const splitV: Kernel = (graph, { x }, { numOrSizeSplits, axis }) => {
  const position = fromFront(axis as number, x!.shape.length);
  const sizes = backendUtil.prepareSplitSize(shaped(x!), numOrSizeSplits as number[] | number, position);
  return split(graph, x!, sizes, position);
};

const unpack: Kernel = (graph, { value }, { axis }) => {
  const position = fromFront(axis as number, value!.shape.length);
  const sizes = Array<number>(value!.shape[position]!).fill(1);
  const shape = value!.shape.toSpliced(position, 1);
  return split(graph, value!, sizes, position).map((part) => reshape(graph, part, shape));
};

/** tfjs broadcasts by tiling axes of size 1; seen as a broadcast, it can vanish in the operation that follows. */
const tile: Kernel = (graph, { x }, { reps }) => {
  const counts = reps as readonly number[];
  const shape = x!.shape.map((size, axis) => size * counts[axis]!);
  if (x!.shape.every((size, axis) => size === 1 || counts[axis] === 1)) return expand(graph, x!, shape);
  if (x!.splat !== undefined || sizeOf(shape) === 0) return full(graph, shape, x!.splat ?? 0, x!.dtype);
  return graph.op('Tile', [materialize(graph, x!), graph.integers(counts)], {}, shape, x!.dtype);
};

/** Axis by axis, rows are fetched by their numbers: 2 1 | 0 1 2 | 1 0 reflects, 1 0 | 0 1 2 | 2 1 is symmetric. */
const mirrorPad: Kernel = (graph, { x }, { paddings, mode }) => {
  const repeatsEdge = mode === 'symmetric' ? 1 : 0;
  return (paddings as [number, number][]).reduce((value, [before, after], axis) => {
    if (before === 0 && after === 0) return value;
    const size = value.shape[axis]!;
    const rows = Array.from({ length: before + size + after }, (_, position) => {
      const row = position - before;
      if (row < 0) return -row - repeatsEdge;
      return row < size ? row : 2 * (size - 1) - row + repeatsEdge;
    });
    const shape = value.shape.with(axis, rows.length);
    if (sizeOf(shape) === 0) return full(graph, shape, 0, value.dtype);
    return graph.op('Gather', [materialize(graph, value), graph.integers(rows)], { axis }, shape, value.dtype);
  }, x!);
};

const reverse: Kernel = (graph, { x }, { dims }) => {
  const axes = util.parseAxisParam(dims as number | number[], [...x!.shape]);
  const turned = (axis: number): boolean => axes.includes(axis);
  return stridedSlice(
    graph,
    x!,
    x!.shape.map((size, axis) => (turned(axis) ? size - 1 : 0)),
    x!.shape.map((size, axis) => (turned(axis) ? -1 : size)),
    x!.shape.map((_, axis) => (turned(axis) ? -1 : 1)),
  );
};

const fill: Kernel = (graph, _, { shape, value, dtype }) =>
  full(
    graph,
    shape as number[],
    Number(value),
    ((dtype as GraphDtype | undefined) ?? util.inferDtype(value)) as GraphDtype,
  );

/** `count` values, each the one before plus a step, rounded as the typed array rounds. */
function progression(graph: Graph, count: number, start: number, step: number, dtype: GraphDtype): Value {
  const values = dtype === 'int32' ? new Int32Array(count) : new Float32Array(count);
  if (count > 0) values[0] = start;
  for (let index = 1; index < count; index++) values[index] = values[index - 1]! + step;
  return cast(graph, graph.constant(values, [count], dtype === 'int32' ? 'int32' : 'float32'), dtype);
}

const range: Kernel = (graph, _, attributes) => {
  const { start, stop, step, dtype } = attributes as { start: number; stop: number; step: number; dtype?: GraphDtype };
  const isEmpty = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
  const count = isEmpty ? 0 : Math.abs(Math.ceil((stop - start) / step));
  // A step of 1 is tfjs's default, and down it counts too.
  return progression(graph, count, start, stop < start && step === 1 ? -1 : step, dtype ?? 'float32');
};

const linSpace: Kernel = (graph, _, attributes) => {
  const { start, stop, num } = attributes as { start: number; stop: number; num: number };
  return progression(graph, num, start, (stop - start) / (num - 1), 'float32');
};

const spaceToBatchND: Kernel = (graph, { x }, attributes) => {
  const { blockShape, paddings } = attributes as { blockShape: number[]; paddings: [number, number][] };
  const product = sizeOf(blockShape);
  const rest = x!.shape.slice(1 + blockShape.length).map((): [number, number] => [0, 0]);
  const padded = pad(graph, x!, [[0, 0], ...paddings, ...rest]);
  const shape = [...padded.shape];
  const blocks = reshape(graph, padded, backendUtil.getReshaped(shape, blockShape, product, false));
  const order = backendUtil.getPermuted(blocks.shape.length, blockShape.length, false);
  const flat = backendUtil.getReshapedPermuted(shape, blockShape, product, false);
  return reshape(graph, transpose(graph, blocks, order), flat);
};

const batchToSpaceND: Kernel = (graph, { x }, attributes) => {
  const { blockShape, crops } = attributes as { blockShape: number[]; crops: number[][] };
  const product = sizeOf(blockShape);
  const shape = [...x!.shape];
  const blocks = reshape(graph, x!, backendUtil.getReshaped(shape, blockShape, product));
  const order = backendUtil.getPermuted(blocks.shape.length, blockShape.length);
  const flat = backendUtil.getReshapedPermuted(shape, blockShape, product);
  const begin = backendUtil.getSliceBeginCoords(crops, blockShape.length);
  const size = backendUtil.getSliceSize(flat, crops, blockShape.length);
  // The list ends before the channels; tfjs's slice takes the rest whole.
  return sliceKernel(graph, { x: reshape(graph, transpose(graph, blocks, order), flat) }, { begin, size });
};

/** Channels [b, b, C] of a pixel become a block of b × b pixels. */
const depthToSpace: Kernel = (graph, { x }, attributes) => {
  const { blockSize: block, dataFormat } = attributes as { blockSize: number; dataFormat: string };
  if (dataFormat !== 'NHWC') throw new Error(`DepthToSpace: the data format is ${dataFormat}; only NHWC is known.`);
  const [batch, height, width, depth] = x!.shape as [number, number, number, number];
  const channels = depth / (block * block);
  const blocks = reshape(graph, x!, [batch, height, width, block, block, channels]);
  const shape = [batch, height * block, width * block, channels];
  return reshape(graph, transpose(graph, blocks, [0, 1, 3, 2, 4, 5]), shape);
};

const diag: Kernel = (graph, { x }) => {
  const size = x!.size;
  const positions = graph.constant(
    Int32Array.from({ length: size }, (_, index) => index),
    [size],
    'int32',
  );
  const isOnDiagonal = elementwise(graph, 'Equal', [reshape(graph, positions, [size, 1]), positions]);
  const square = choose(graph, isOnDiagonal, reshape(graph, x!, [size]), graph.scalar(0, x!.dtype));
  return reshape(graph, square, [...x!.shape, ...x!.shape]);
};

/** See the file's head. */
export const shapeKernels: KernelFamily = {
  BatchToSpaceND: batchToSpaceND,
  BroadcastTo: (graph, { x }, { shape }) => expand(graph, x!, shape as number[]),
  Concat: concatKernel,
  DepthToSpace: depthToSpace,
  Diag: diag,
  ExpandDims: expandDims,
  Fill: fill,
  Identity: (_, { x }) => x!,
  LinSpace: linSpace,
  MirrorPad: mirrorPad,
  OnesLike: (graph, { x }) => full(graph, x!.shape, 1, x!.dtype),
  Pack: pack,
  PadV2: (graph, { x }, { paddings, constantValue }) =>
    pad(graph, x!, paddings as [number, number][], constantValue as number),
  Range: range,
  Reshape: reshapeKernel,
  Reverse: reverse,
  Slice: sliceKernel,
  SpaceToBatchND: spaceToBatchND,
  SplitV: splitV,
  StridedSlice: stridedSliceKernel,
  Tile: tile,
  Transpose: (graph, { x }, { perm }) => transpose(graph, x!, perm as number[]),
  Unpack: unpack,
  ZerosLike: (graph, { x }) => full(graph, x!.shape, 0, x!.dtype),
};

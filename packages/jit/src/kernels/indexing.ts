/**
 * Reading and writing at computed positions.
 *
 * Positions out of range: the cpu engine throws for a gather or a scatter; ONNX Runtime throws too, except that for
 * `GatherNd`, `ScatterNd` and their like a negative one counts from the end. Where one position is written twice without adding, the last write need not win.
 */
import * as tf from '@tensorflow/tfjs';
import { convert } from '../build/convert.ts';
import { elementwise } from '../build/elementwise.ts';
import { materialize } from '../build/layout.ts';
import { matMul } from '../build/matmul.ts';
import { cast, expand, full, reshape, slice, transpose } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type GraphDtype, type Value } from '../graph/value.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

/** Positions that let a gather fail where one is negative: ONNX would count it from the end. */
function inRange(graph: Graph, positions: Value, limit: number): Value {
  if (positions.data !== undefined) {
    const wrong = Array.from(positions.data, Number).find((position) => position < 0 || position >= limit);
    if (wrong === undefined) return positions;
    throw new Error(`GatherV2: the index value ${wrong} is not in [0, ${limit - 1}]`);
  }
  const isNegative = elementwise(graph, 'Less', [positions, graph.scalar(0, 'int32')]);
  return elementwise(graph, 'Where', [isNegative, graph.scalar(limit, 'int32'), positions]);
}

const gatherV2: Kernel = (graph, inputs, attributes) => {
  const x = materialize(graph, inputs['x']!);
  const indices = cast(graph, materialize(graph, inputs['indices']!), 'int32');
  const axis = attributes['axis'] < 0 ? attributes['axis'] + x.shape.length : (attributes['axis'] as number);
  const batchDims = (attributes['batchDims'] as number | undefined) ?? 0;
  const info = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    { shape: x.shape } as unknown as tf.TensorInfo,
    { shape: indices.shape } as unknown as tf.TensorInfo,
    axis,
    batchDims,
  );
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } = info;
  if (sizeOf(outputShape) === 0) return full(graph, outputShape, 0, x.dtype);
  if (batchDims === 0) return graph.op('Gather', [x, inRange(graph, indices, dimSize)], { axis }, outputShape, x.dtype);
  // Each batch has indices of its own: GatherND knows batches, if what is fetched stands right behind them.
  const count = indices.size / batchSize;
  const rows = transpose(graph, reshape(graph, x, [batchSize, outerSize, dimSize, sliceSize]), [0, 2, 1, 3]);
  const numbers = cast(graph, reshape(graph, indices, [batchSize, count, 1]), 'int64');
  const shape = [batchSize, count, outerSize, sliceSize];
  const fetched = graph.op('GatherND', [rows, numbers], { batch_dims: 1 }, shape, x.dtype);
  return reshape(graph, transpose(graph, fetched, [0, 2, 1, 3]), outputShape);
};

const gatherNd: Kernel = (graph, inputs) => {
  const parameters = materialize(graph, inputs['params']!);
  const indices = cast(graph, materialize(graph, inputs['indices']!), 'int64');
  const depth = indices.shape.at(-1)!;
  const shape = [...indices.shape.slice(0, -1), ...parameters.shape.slice(depth)];
  if (sizeOf(shape) === 0) return full(graph, shape, 0, parameters.dtype);
  if (depth === 0) return expand(graph, parameters, shape);
  return graph.op('GatherND', [parameters, indices], {}, shape, parameters.dtype);
};

/** Writes rows into a tensor, or adds them to it. Indices of rank 1 are a list of positions along the first axis. */
function scatter(graph: Graph, target: Value, indices: Value, updates: Value, reduction: 'none' | 'add'): Value {
  if (target.size === 0 || indices.size === 0) return target;
  const positions = cast(graph, materialize(graph, indices), 'int64');
  const lists = positions.shape.length > 1 ? positions : reshape(graph, positions, [positions.size, 1]);
  const depth = lists.shape.at(-1)!;
  const shape = [...lists.shape.slice(0, -1), ...target.shape.slice(depth)];
  const rows = updates.shape.length === 0 ? expand(graph, updates, shape) : reshape(graph, updates, shape);
  if (reduction === 'add') return addRows(graph, target, lists, rows);
  const inputs = [materialize(graph, target), lists, materialize(graph, rows)];
  return graph.op('ScatterND', inputs, { reduction }, target.shape, target.dtype);
}

/**
 * Adds rows at positions that may repeat.
 *
 * Trap: ONNX Runtime's ScatterND adds from several threads without a lock, so that rows of one position get lost, more of
 * them on a busy machine (microsoft/onnxruntime issues 18048 and 23396). ScatterElements adds in order: it needs one index
 * per value and is slower, but right, and the same in every run.
 */
function addRows(graph: Graph, target: Value, lists: Value, rows: Value): Value {
  const depth = lists.shape.at(-1)!;
  const limits = target.shape.slice(0, depth);
  const places = sizeOf(limits);
  const width = sizeOf(target.shape.slice(depth));
  const count = depth === 0 ? sizeOf(lists.shape.slice(0, -1)) : lists.size / depth;
  // The number of the row: positions as the digits of one number. One that is out of range makes it so too.
  let numbers = full(graph, [count, 1], 0, 'int64');
  let isOutside: Value | undefined;
  for (let axis = 0; axis < depth; axis++) {
    const digit = slice(graph, reshape(graph, lists, [count, depth]), [0, axis], [count, 1]);
    const limit = graph.scalar(limits[axis]!, 'int64');
    numbers = elementwise(graph, 'Add', [elementwise(graph, 'Mul', [numbers, limit]), digit]);
    const isBelow = elementwise(graph, 'Less', [digit, graph.scalar(0, 'int64')]);
    const isOut = elementwise(graph, 'Or', [isBelow, elementwise(graph, 'GreaterOrEqual', [digit, limit])]);
    isOutside = isOutside === undefined ? isOut : elementwise(graph, 'Or', [isOutside, isOut]);
  }
  if (isOutside !== undefined) {
    numbers = elementwise(graph, 'Where', [isOutside, graph.scalar(places, 'int64'), numbers]);
  }
  const inputs = [
    reshape(graph, materialize(graph, target), [places, width]),
    expand(graph, numbers, [count, width]),
    reshape(graph, materialize(graph, rows), [count, width]),
  ];
  const sums = graph.op('ScatterElements', inputs, { axis: 0, reduction: 'add' }, [places, width], target.dtype);
  return reshape(graph, sums, target.shape);
}

const scatterNd: Kernel = (graph, { indices, updates }, { shape }) =>
  scatter(graph, full(graph, shape as number[], 0, updates!.dtype), indices!, updates!, 'add');

const tensorScatterUpdate: Kernel = (graph, { tensor, indices, updates }) =>
  scatter(graph, tensor!, indices!, convert(graph, updates!, tensor!.dtype), 'none');

const sparseToDense: Kernel = (graph, { sparseIndices, sparseValues, defaultValue }, { outputShape }) => {
  const number = reshape(graph, convert(graph, defaultValue!, sparseValues!.dtype), []);
  const target = expand(graph, number, outputShape as number[]);
  return scatter(graph, target, sparseIndices!, sparseValues!, 'none');
};

const oneHot: Kernel = (graph, { indices }, attributes) => {
  const { depth, onValue, offValue } = attributes as { depth: number; onValue: number; offValue: number };
  const dtype = (attributes['dtype'] as GraphDtype | undefined) ?? 'float32';
  const classes = graph.constant(
    Int32Array.from({ length: depth }, (_, index) => index),
    [depth],
    'int32',
  );
  const column = reshape(graph, cast(graph, indices!, 'int32'), [...indices!.shape, 1]);
  const isClass = elementwise(graph, 'Equal', [column, classes]);
  if (onValue === 1 && offValue === 0) return cast(graph, isClass, dtype);
  const chosen = elementwise(graph, 'Where', [isClass, graph.scalar(onValue), graph.scalar(offValue)]);
  return convert(graph, chosen, dtype);
};

/** Adding rows one by one takes a thread 5 ns a value; multiplying by up to this many rows of zeros and ones takes less. */
const MOST_MULTIPLIED_SEGMENTS = 256;

/**
 * The sums as one product: row s of a matrix [segments, rows] has a one where a row of x belongs to segment s. A row that
 * is not finite spoils all segments, and a gradient that is not finite has spoiled the step.
 */
function sumByProduct(graph: Graph, x: Value, segments: Value, numSegments: number): Value {
  const numbers = graph.constant(
    Int32Array.from({ length: numSegments }, (_, index) => index),
    [numSegments, 1],
    'int32',
  );
  const belongs = elementwise(graph, 'Equal', [numbers, reshape(graph, segments, [1, segments.size])]);
  return matMul(graph, cast(graph, belongs, 'float32'), x);
}

/** Rows whose segment is out of range belong to none; they are added as zeros to the first. */
const unsortedSegmentSum: Kernel = (graph, inputs, attributes) => {
  const numSegments = attributes['numSegments'] as number;
  const x = materialize(graph, cast(graph, inputs['x']!, 'float32'));
  const segments = cast(graph, inputs['segmentIds']!, 'int32');
  const shape = [numSegments, ...x.shape.slice(1)];
  const none = full(graph, shape, 0, 'float32');
  if (x.size === 0 || none.size === 0) return none;
  if (numSegments <= MOST_MULTIPLIED_SEGMENTS && x.shape.length === 2 && segments.size === x.shape[0]) {
    return sumByProduct(graph, x, segments, numSegments);
  }
  const isNegative = elementwise(graph, 'Less', [segments, graph.scalar(0, 'int32')]);
  const isBeyond = elementwise(graph, 'GreaterOrEqual', [segments, graph.scalar(numSegments, 'int32')]);
  const isOutside = elementwise(graph, 'Or', [isNegative, isBeyond]);
  const rowShape = [segments.size, ...x.shape.slice(1).map(() => 1)];
  const rows = elementwise(graph, 'Where', [reshape(graph, isOutside, rowShape), graph.scalar(0), x]);
  const positions = elementwise(graph, 'Where', [isOutside, graph.scalar(0, 'int32'), segments]);
  return scatter(graph, none, positions, rows, 'add');
};

/** The k greatest of each row in falling order, equal ones in the order in which they stand, and their positions. */
const topK: Kernel = (graph, inputs, attributes) => {
  const x = materialize(graph, inputs['x']!);
  const k = attributes['k'] as number;
  const shape = [...x.shape.slice(0, -1), k];
  if (sizeOf(shape) === 0) return [full(graph, shape, 0, x.dtype), full(graph, shape, 0, 'int32')];
  const numbers = x.dtype === 'bool' ? cast(graph, x, 'int32') : x;
  const [values, positions] = graph.node('TopK', [numbers, graph.integers([k])], { axis: -1, sorted: 1 }, [
    { shape, dtype: numbers.dtype },
    { shape, dtype: 'int64' },
  ]);
  return [cast(graph, values!, x.dtype), cast(graph, positions!, 'int32')];
};

/** See the file's head. */
export const indexingKernels: KernelFamily = {
  GatherNd: gatherNd,
  GatherV2: gatherV2,
  OneHot: oneHot,
  ScatterNd: scatterNd,
  SparseToDense: sparseToDense,
  TensorScatterUpdate: tensorScatterUpdate,
  TopK: topK,
  UnsortedSegmentSum: unsortedSegmentSum,
};

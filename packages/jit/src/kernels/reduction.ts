/** Sums, extremes, products, running sums, softmax. Whole numbers and truth values reduce to what tfjs makes of them. */
import { convert, inDouble } from '../build/convert.ts';
import { elementwise } from '../build/elementwise.ts';
import { materialize } from '../build/layout.ts';
import { reduce, type ReduceOp } from '../build/reduce.ts';
import { cast, full, pad, reshape, slice } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { sizeOf, type Value } from '../graph/value.ts';
import type { Kernel, KernelAttributes, KernelFamily } from './kernel.ts';

/** tfjs's axes: one, several, or all where none is named. */
function axesOf(x: Value, axis: number | readonly number[] | undefined | null): number[] {
  if (axis === undefined || axis === null) return x.shape.map((_, position) => position);
  const axes = typeof axis === 'number' ? [axis] : axis;
  return axes.map((position) => (position < 0 ? position + x.shape.length : position));
}

/** Truth values count as whole numbers. */
const countable = (graph: Graph, x: Value): Value => (x.dtype === 'bool' ? cast(graph, x, 'int32') : x);

/** Whole numbers in double precision, as on the cpu engine: ONNX Runtime's sum of int32 saturates, and products overflow. */
function total(op: ReduceOp): Kernel {
  return (graph, { x }, { axis, keepDims }) => {
    const axes = axesOf(x!, axis);
    const reduced = (value: Value): Value => reduce(graph, op, value, axes, keepDims === true);
    return x!.dtype === 'float32' ? reduced(x!) : inDouble(graph, [x!], 'int32', (value) => reduced(value!));
  };
}

const mean: Kernel = (graph, { x }, { axis, keepDims }) =>
  reduce(graph, 'ReduceMean', cast(graph, x!, 'float32'), axesOf(x!, axis), keepDims === true);

/** One NaN makes the extreme NaN; ONNX Runtime's reductions overlook it unless it comes first. */
function extreme(op: ReduceOp, attribute: 'axis' | 'reductionIndices'): Kernel {
  return (graph, { x }, attributes) => {
    const axes = axesOf(x!, attributes[attribute]);
    const keepDims = attributes['keepDims'] === true;
    if (x!.dtype === 'float32' && axes.length === 1 && isThin(graph, x!, axes[0]!)) {
      return extremeOfParts(graph, op === 'ReduceMax' ? 'Max' : 'Min', x!, axes[0]!, keepDims);
    }
    const found = reduce(graph, op, x!, axes, keepDims);
    if (x!.dtype !== 'float32' || x!.size === 0 || found.size === x!.size) return found;
    const isNaNAnywhere = reduce(graph, 'ReduceMax', elementwise(graph, 'IsNaN', [x!]), axes, keepDims);
    return elementwise(graph, 'Where', [isNaNAnywhere, graph.scalar(NaN), found]);
  };
}

/** Up to this many parts along an axis are compared with each other. */
const LARGEST_PARTS = 8;
/** Parts are copied in runs of the values behind the axis: these are enough for a run, or so few that it does not matter. */
const SHORTEST_RUN = 16;
const FEW_VALUES = 4096;

/**
 * Whether an axis has so few places, as the pieces of maxout or the actions of an agent, that its parts are compared. Only
 * where ONNX Runtime's processor code will do it: what others make of NaN is not known.
 */
function isThin({ target }: Graph, x: Value, axis: number): boolean {
  if (target.name === 'webgpu' || target.portable === true || x.size === 0) return false;
  const length = x.shape[axis]!;
  const run = sizeOf(x.shape.slice(axis + 1));
  return length > 1 && length <= LARGEST_PARTS && (run >= SHORTEST_RUN || x.size <= FEW_VALUES);
}

/** The extreme of the parts along an axis, at each place: unlike a reduction, this operation keeps NaN. */
function extremeOfParts(graph: Graph, op: 'Max' | 'Min', x: Value, axis: number, keepDims: boolean): Value {
  const length = x.shape[axis]!;
  const part = { shape: x.shape.with(axis, 1), dtype: x.dtype };
  const parts = graph.node(
    'Split',
    [materialize(graph, x), graph.integers(Array<number>(length).fill(1))],
    { axis },
    Array.from({ length }, () => part),
  );
  const found = elementwise(graph, op, parts);
  return keepDims ? found : reshape(graph, found, x.shape.toSpliced(axis, 1));
}

/** `All` and `Any`. Of nothing both are false on the cpu engine. */
const quantifier =
  (op: ReduceOp): Kernel =>
  (graph, { x }, { axis, keepDims }) => {
    const found = reduce(graph, op, cast(graph, x!, 'bool'), axesOf(x!, axis), keepDims === true);
    return convert(graph, found, x!.dtype);
  };

/** Index of the first extreme. NaN is never one, unless it stands first: then nothing compares with it. */
const argument =
  (op: 'ArgMax' | 'ArgMin'): Kernel =>
  (graph, { x }, { axis }) => {
    const position = axesOf(x!, axis)[0] ?? 0;
    const shape = x!.shape.filter((_, index) => index !== position);
    if (x!.size <= 1 || sizeOf(shape) === 0) return full(graph, shape, 0, 'int32');
    const find = (numbers: Value): Value => {
      const plain = materialize(graph, numbers);
      return cast(graph, graph.op(op, [plain], { axis: position, keepdims: 0 }, shape, 'int64'), 'int32');
    };
    if (x!.dtype !== 'float32') return find(countable(graph, x!));
    const last = graph.scalar(op === 'ArgMax' ? -Infinity : Infinity);
    const isNaN = elementwise(graph, 'IsNaN', [x!]);
    const first = slice(
      graph,
      isNaN,
      x!.shape.map(() => 0),
      x!.shape.with(position, 1),
    );
    const found = find(elementwise(graph, 'Where', [isNaN, last, x!]));
    return elementwise(graph, 'Where', [reshape(graph, first, shape), graph.scalar(0, 'int32'), found]);
  };

interface RunningAttributes extends KernelAttributes {
  readonly axis: number;
  readonly exclusive?: boolean;
  readonly reverse?: boolean;
}

const cumsum: Kernel = (graph, inputs, attributes) => {
  const x = countable(graph, inputs['x']!);
  const { axis, exclusive, reverse } = attributes as RunningAttributes;
  if (x.size === 0 || x.shape.length === 0) return x;
  const flags = { exclusive: Number(exclusive === true), reverse: Number(reverse === true) };
  const position = graph.scalar(axesOf(x, axis)[0]!, 'int64');
  return graph.op('CumSum', [materialize(graph, x), position], flags, x.shape, x.dtype);
};

/**
 * Running products, which ONNX lacks: in round k every value is multiplied by the one 2ᵏ places before (Hillis and Steele
 * 1986), so that ⌈log₂ n⌉ rounds do.
 */
const cumprod: Kernel = (graph, inputs, attributes) => {
  const x = countable(graph, inputs['x']!);
  const { axis, exclusive, reverse } = attributes as RunningAttributes;
  if (x.size === 0 || x.shape.length === 0) return x;
  const position = axesOf(x, axis)[0]!;
  const length = x.shape[position]!;
  const shifted = (value: Value, places: number): Value => {
    const begin = x.shape.map((_, index) => (index === position && reverse === true ? places : 0));
    const size = x.shape.map((count, index) => (index === position ? count - places : count));
    const pads = x.shape.map((_, index): [number, number] => {
      if (index !== position) return [0, 0];
      return reverse === true ? [0, places] : [places, 0];
    });
    return pad(graph, slice(graph, value, begin, size), pads, 1);
  };
  let products = exclusive === true ? shifted(x, 1) : x;
  for (let places = 1; places < length; places *= 2) {
    products = elementwise(graph, 'Mul', [products, shifted(products, places)]);
  }
  return products;
};

const softmax: Kernel = (graph, { logits }, { dim }) => {
  const x = cast(graph, logits!, 'float32');
  if (x.size === 0) return x;
  return graph.op('Softmax', [materialize(graph, x)], { axis: (dim as number | undefined) ?? -1 }, x.shape, 'float32');
};

/** See the file's head. */
export const reductionKernels: KernelFamily = {
  All: quantifier('ReduceMin'),
  Any: quantifier('ReduceMax'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Cumprod: cumprod,
  Cumsum: cumsum,
  Max: extreme('ReduceMax', 'reductionIndices'),
  Mean: mean,
  Min: extreme('ReduceMin', 'axis'),
  Prod: total('ReduceProd'),
  Softmax: softmax,
  Sum: total('ReduceSum'),
};

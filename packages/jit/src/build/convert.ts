/**
 * Conversions between element types by JavaScript's rules, which are tfjs's: a real number stored in an Int32Array is
 * truncated and taken modulo 2³², NaN and the infinities become 0, and whatever is not 0 is true.
 */
import type { Graph } from '../graph/graph.ts';
import type { GraphDtype, Value } from '../graph/value.ts';
import { elementwise } from './elementwise.ts';
import { cast, full } from './shape.ts';

/** The value in another element type, as tfjs's `cast` has it. */
export function convert(graph: Graph, value: Value, dtype: GraphDtype): Value {
  const isReal = value.dtype === 'float32' || value.dtype === 'float64';
  return isReal && dtype === 'int32' ? toInt32(graph, value) : cast(graph, value, dtype);
}

/** Takes the lower half of 64 bits. As a number it may be negative in an Int32Array, never here. */
const LOWER_HALF = 0xffffffff;

function toInt32(graph: Graph, value: Value): Value {
  if (value.splat !== undefined) return full(graph, value.shape, value.splat | 0, 'int32');
  // What lies beyond 64 bits has to come within: what the processor makes of it differs between x86 and ARM.
  const within =
    value.dtype === 'float32'
      ? // From 2⁵⁶ on, a float32 is a multiple of 2³², so that any other such multiple will do.
        elementwise(graph, 'Clip', [value, graph.scalar(-(2 ** 62)), graph.scalar(2 ** 62)])
      : elementwise(graph, 'Mod', [value, graph.scalar(2 ** 32, 'float64')], { fmod: 1 });
  // ONNX Runtime makes one conversion of two in a row, and that one saturates: hence the operation in between.
  const long = cast(graph, within, 'int64');
  return cast(graph, elementwise(graph, 'BitwiseAnd', [long, graph.scalar(LOWER_HALF, 'int64')]), 'int32');
}

/** Computes in double precision, as JavaScript does, and stores the result as `dtype`. */
export function inDouble(
  graph: Graph,
  values: readonly Value[],
  dtype: GraphDtype,
  compute: (...doubles: Value[]) => Value,
): Value {
  return convert(graph, compute(...values.map((value) => cast(graph, value, 'float64'))), dtype);
}

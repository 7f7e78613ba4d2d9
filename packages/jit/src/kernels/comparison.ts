/** Comparisons, logic, choice and conversion. Results of comparisons are bool, as in tfjs. */
import { convert } from '../build/convert.ts';
import { elementwise } from '../build/elementwise.ts';
import { cast, reshape } from '../build/shape.ts';
import type { Graph } from '../graph/graph.ts';
import type { GraphDtype, Value } from '../graph/value.ts';
import type { Kernel, KernelFamily } from './kernel.ts';

/** The type that holds both: bool, int32, float32. */
export function commonType(left: GraphDtype, right: GraphDtype): GraphDtype {
  if (left === right) return left;
  return left === 'float32' || right === 'float32' ? 'float32' : 'int32';
}

/** ONNX compares numbers of one type; truth values it knows only to be equal or not. */
const comparison =
  (op: string): Kernel =>
  (graph, { a, b }) => {
    const common = commonType(a!.dtype, b!.dtype);
    const dtype = common === 'bool' && op !== 'Equal' ? 'int32' : common;
    return elementwise(graph, op, [cast(graph, a!, dtype), cast(graph, b!, dtype)]);
  };

const logical =
  (op: string): Kernel =>
  (graph, { a, b }) =>
    elementwise(graph, op, [cast(graph, a!, 'bool'), cast(graph, b!, 'bool')]);

/** `ifTrue` where the condition holds, else `ifFalse`; all three broadcast. ONNX Runtime chooses between any but bool. */
export function choose(graph: Graph, condition: Value, ifTrue: Value, ifFalse: Value): Value {
  if (ifTrue.dtype !== 'bool') return elementwise(graph, 'Where', [condition, ifTrue, ifFalse]);
  const otherwise = elementwise(graph, 'And', [elementwise(graph, 'Not', [condition]), ifFalse]);
  return elementwise(graph, 'Or', [elementwise(graph, 'And', [condition, ifTrue]), otherwise]);
}

/** A condition of lower rank chooses whole rows. */
const select: Kernel = (graph, { condition, t, e }) => {
  const dtype = commonType(t!.dtype, e!.dtype);
  const missing = t!.shape.length - condition!.shape.length;
  const aligned =
    missing > 0 && condition!.shape.length > 0
      ? reshape(graph, condition!, [...condition!.shape, ...Array<number>(missing).fill(1)])
      : condition!;
  return choose(graph, cast(graph, aligned, 'bool'), cast(graph, t!, dtype), cast(graph, e!, dtype));
};

const castKernel: Kernel = (graph, { x }, { dtype }) => {
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new Error(`Cast: the type is ${String(dtype)}; a compiled graph holds float32, int32 and bool.`);
  }
  return convert(graph, x!, dtype);
};

/** See the file's head. */
export const comparisonKernels: KernelFamily = {
  Cast: castKernel,
  Equal: comparison('Equal'),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  LogicalAnd: logical('And'),
  LogicalNot: (graph, { x }) => elementwise(graph, 'Not', [cast(graph, x!, 'bool')]),
  LogicalOr: logical('Or'),
  NotEqual: (graph, inputs, attributes) =>
    elementwise(graph, 'Not', [comparison('Equal')(graph, inputs, attributes) as Value]),
  Select: select,
};

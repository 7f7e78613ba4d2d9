/**
 * Operations that compute each value from the values at its place. Broadcasting follows NumPy. Operations sink through
 * `Layout`: of a physical tensor they are computed as it lies, so that no transpose stands between two of them.
 */
import type { Graph } from '../graph/graph.ts';
import { sameShape, sizeOf, type Attributes, type GraphDtype, type Value } from '../graph/value.ts';
import { fuseIntoConvolution } from './fuse-convolution.ts';
import { asLayout, layoutOf, materialize, physical } from './layout.ts';
import { expand, full } from './shape.ts';

/** The shape that two shapes broadcast to. */
export function broadcastShape(left: readonly number[], right: readonly number[]): number[] {
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, axis) => {
    const first = left[axis - rank + left.length] ?? 1;
    const second = right[axis - rank + right.length] ?? 1;
    if (first !== second && first !== 1 && second !== 1) {
      throw new Error(`broadcast: the shapes [${left.join(', ')}] and [${right.join(', ')}] do not go together.`);
    }
    return first === 1 ? second : first;
  });
}

const shapeOfAll = (values: readonly Value[]): number[] =>
  values.reduce<number[]>((shape, value) => broadcastShape(shape, value.shape), []);

/** Operations whose result is bool whatever goes in. */
const predicates: ReadonlySet<string> = new Set([
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'And',
  'Or',
  'Xor',
  'Not',
  'IsNaN',
  'IsInf',
]);

const arithmetic: Readonly<Record<string, (left: number, right: number) => number>> = {
  Add: (left, right) => left + right,
  Sub: (left, right) => left - right,
  Mul: (left, right) => left * right,
  Div: (left, right) => left / right,
};

/**
 * One elementwise node, or less where less does.
 * @param op ONNX's name
 * @param inputs the operands in ONNX's order; they are broadcast
 * @param attributes ONNX's attributes
 * @param dtype type of the result; without it bool for predicates, else the first operand's (for `Where` the second's)
 */
export function elementwise(
  graph: Graph,
  op: string,
  inputs: readonly Value[],
  attributes: Attributes = {},
  dtype: GraphDtype = predicates.has(op) ? 'bool' : inputs[op === 'Where' ? 1 : 0]!.dtype,
): Value {
  const shape = shapeOfAll(inputs);
  if (sizeOf(shape) === 0) return full(graph, shape, 0, dtype);
  const operands = withoutExpansion(graph, inputs, shape);
  const simpler = simplify(graph, op, operands, shape);
  if (simpler !== undefined) return simpler;
  const fused = fuseIntoConvolution(graph, op, operands);
  if (fused !== undefined) return fused;
  const kinds = operands.map((value) => (sameShape(value.shape, shape) ? layoutOf(value) : undefined));
  const kind = kinds.includes('blocked') ? 'blocked' : kinds.find((known) => known !== undefined);
  if (kind !== undefined) {
    const tensors = operands.map((value) => physical(graph, value, kind));
    return asLayout(graph, graph.op(op, tensors, attributes, shapeOfAll(tensors), dtype), kind, shape);
  }
  const plain = operands.map((value) => materialize(graph, value));
  return graph.op(op, plain, attributes, shape, dtype);
}

/** Constants of one number and values that were expanded go in small wherever the other operands give the shape. */
function withoutExpansion(graph: Graph, inputs: readonly Value[], shape: readonly number[]): Value[] {
  const operands = [...inputs];
  inputs.forEach((value, position) => {
    const smaller =
      value.splat !== undefined && value.shape.length > 0
        ? graph.scalar(value.splat, value.dtype)
        : value.op === 'Expand'
          ? value.node!.inputs[0]!
          : undefined;
    if (smaller === undefined) return;
    const tried = operands.with(position, smaller);
    if (sameShape(shapeOfAll(tried), shape)) operands[position] = smaller;
  });
  return operands;
}

/** x · 1, x + 0, x − 0, x / 1, and arithmetic of two numbers. (x + 0 of −0 is 0 in IEEE arithmetic, here −0.) */
function simplify(graph: Graph, op: string, operands: readonly Value[], shape: readonly number[]): Value | undefined {
  const compute = arithmetic[op];
  if (compute === undefined) return undefined;
  const [left, right] = operands as readonly [Value, Value];
  if (left.splat !== undefined && right.splat !== undefined && left.dtype === 'float32') {
    return full(graph, shape, Math.fround(compute(left.splat, right.splat)), 'float32');
  }
  const neutral = op === 'Mul' || op === 'Div' ? 1 : 0;
  if (right.splat === neutral) return expand(graph, left, shape);
  if (left.splat === neutral && (op === 'Mul' || op === 'Add')) return expand(graph, right, shape);
  return undefined;
}

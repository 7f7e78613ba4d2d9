/**
 * A factor of a product that nothing else reads becomes a part of the product, where it costs nothing: Adam multiplies
 * every gradient by 1 − β₁, and most gradients are products. (Factors of what goes into a product are folded while the
 * graph is built; only the finished graph tells who else reads what comes out.)
 */
import { reshape } from '../build/plain.ts';
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import { nodesBehind, readers, replace } from './rewrite.ts';

/** Whether the value is a product, in whatever shape, whose factor could be another. */
export function isScalable(value: Value): boolean {
  const { node } = value;
  if (node?.op === 'Reshape') return isScalable(node.inputs[0]!);
  if (node?.op === 'MatMul') return node.inputs[0]!.splat !== undefined;
  return node?.op === 'com.microsoft:FusedMatMul' || (node?.op === 'Gemm' && node.inputs.length === 2);
}

/**
 * Changes the graph: products take over the numbers that they are multiplied by.
 *
 * @param results all values that the graph must give
 */
export function scaleProducts(graph: Graph, results: readonly Value[]): void {
  const nodes = nodesBehind(results);
  const counts = readers(nodes, results);
  const isReadOnce = (value: Value): boolean =>
    counts.get(value) === 1 && (value.op !== 'Reshape' || isReadOnce(value.node!.inputs[0]!));
  for (const { op, inputs, outputs } of nodes) {
    const [product, factor] = inputs;
    if (op !== 'Mul' || factor?.splat === undefined || factor.size !== 1 || results.includes(outputs[0]!)) continue;
    if (isScalable(product!) && isReadOnce(product!)) {
      replace(nodes, outputs[0]!, scaledProduct(graph, product!, factor.splat));
    }
  }
}

function scaledProduct(graph: Graph, value: Value, factor: number): Value {
  const { op, inputs, attributes } = value.node!;
  const { shape, dtype } = value;
  if (op === 'Reshape') return reshape(graph, scaledProduct(graph, inputs[0]!, factor), shape);
  const [left, right] = inputs as readonly [Value, Value];
  if (op === 'MatMul') {
    // A product with a constant row, as sums of rows are: the row takes the factor.
    const row = graph.constant(new Float32Array(left.size).fill(left.splat! * factor), left.shape, 'float32');
    return graph.op(op, [row, right], attributes, shape, dtype);
  }
  const alpha = (attributes['alpha'] as { float: number } | undefined)?.float ?? 1;
  return graph.op(op, [left, right], { ...attributes, alpha: { float: alpha * factor } }, shape, dtype);
}

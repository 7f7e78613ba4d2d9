/**
 * Σ Aᵢᵀ Bᵢ as one product. A weight that is used more than once gets such a sum as its gradient, as that of a discriminator
 * which judges two batches, or of a recurrent network that is written step by step: one product with few rows for each
 * use, and a sum of the weight's size after each. With the Aᵢ on top of each other, and the Bᵢ likewise, it is
 * [A₁ A₂ …]ᵀ [B₁ B₂ …]: one product, which also has enough rows to keep all threads busy.
 */
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';
import { concat } from './plain.ts';

/** One Aᵀ B of a sum. */
interface Term {
  readonly left: Value;
  readonly right: Value;
}

/** The terms of the sums that were joined already. */
const termsOf = new WeakMap<Value, readonly Term[]>();

/** `left` + `right` as one product, if both are (sums of) products Aᵀ B and joining moves less memory than adding. */
export function joinProducts(graph: Graph, left: Value, right: Value): Value | undefined {
  const [first, second] = [terms(left), terms(right)];
  if (first === undefined || second === undefined) return undefined;
  const joined = [...first, ...second];
  const [rows, columns] = left.shape as readonly [number, number];
  // A sum reads two matrices and writes one; joining reads and writes the factors.
  const added = 3 * (joined.length - 1) * rows * columns;
  const copied = joined.reduce((sum, term) => sum + 2 * (term.left.size + term.right.size), 0);
  if (left.shape.join() !== right.shape.join() || copied > added) return undefined;
  const factors = [joined.map((term) => term.left), joined.map((term) => term.right)];
  const inputs = factors.map((values) => concat(graph, values, 0));
  const sum = graph.op('Gemm', inputs, { transA: 1, transB: 0 }, left.shape, 'float32');
  termsOf.set(sum, joined);
  return sum;
}

function terms(value: Value): readonly Term[] | undefined {
  const known = termsOf.get(value);
  if (known !== undefined) return known;
  const { node } = value;
  if (node?.op !== 'Gemm' || node.inputs.length !== 2) return undefined;
  const { transA, transB, alpha } = node.attributes;
  if (transA !== 1 || transB !== 0 || alpha !== undefined) return undefined;
  return [{ left: node.inputs[0]!, right: node.inputs[1]! }];
}

/** A rough guess at how long a run takes: only good enough to tell a fraction of a millisecond from more. */
import { sizeOf, type GraphNode, type Value } from '../graph/value.ts';

/** Starting an operation. */
const NODE_MICROSECONDS = 1.5;
/** What one core of a slow machine does. */
const MULTIPLICATIONS_PER_MICROSECOND = 25_000;
const VALUES_PER_MICROSECOND = 2_000;

/** Operations whose cost is not that of a product of matrices and not that of their values either. */
const laborious = /Conv|Pool|LSTM|GRU|RNN|Einsum|Attention|Loop|Scan|If$|Scatter|CumSum|TopK/;

/** Microseconds that one run of the graph takes on one core; infinite where nothing can be said. */
export function estimateMicroseconds(outputs: readonly Value[]): number {
  const seen = new Set<GraphNode>();
  const waiting = outputs.flatMap(({ node }) => (node === undefined ? [] : [node]));
  let microseconds = 0;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    microseconds += NODE_MICROSECONDS + work(node);
    for (const input of node.inputs) if (input?.node !== undefined) waiting.push(input.node);
  }
  return microseconds;
}

function work({ op, inputs, outputs, attributes }: GraphNode): number {
  if (op === 'Reshape') return 0;
  const values = outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (/Gemm$|MatMul$/.test(op)) {
    const left = inputs[0]!;
    const inner = left.shape.at(attributes['transA'] === 1 ? -2 : -1)!;
    return (values * inner) / MULTIPLICATIONS_PER_MICROSECOND;
  }
  const read = inputs.reduce((sum, input) => sum + (input?.size ?? 0), 0);
  if (laborious.test(op)) return values + read > 4096 ? Infinity : (values + read) / 10;
  return Math.max(values, read) / VALUES_PER_MICROSECOND;
}

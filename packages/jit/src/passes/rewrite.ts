/** What passes need that change a finished graph. Nothing looks nodes up by their inputs any more. */
import type { GraphNode, Value } from '../graph/value.ts';

/** All nodes that the values need. */
export function nodesBehind(outputs: readonly Value[]): GraphNode[] {
  const found = new Set<GraphNode>();
  const waiting = outputs.flatMap(({ node }) => (node === undefined ? [] : [node]));
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    for (const value of node.inputs) if (value?.node !== undefined) waiting.push(value.node);
  }
  return [...found];
}

/** Lets the nodes read another value in place of one. */
export function replace(nodes: readonly GraphNode[], old: Value, by: Value): void {
  for (const { inputs } of nodes) {
    inputs.forEach((value, position) => {
      if (value === old) (inputs as (Value | undefined)[])[position] = by;
    });
  }
}

/** How many inputs read each value, and results count as one. */
export function readers(nodes: readonly GraphNode[], results: readonly Value[]): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const value of [...results, ...nodes.flatMap(({ inputs }) => inputs)]) {
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

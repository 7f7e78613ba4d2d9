/**
 * Where the channels lie. tfjs's images are [N, H, W, C]; convolutions are fast on [N, C, H, W] or on channels in blocks.
 * The pseudo-operation `Layout` stands for the way back: its input is the physical tensor, its shape the logical one.
 */
import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';

/** How a physical tensor lies in memory. */
export type LayoutKind = 'nchw' | 'blocked';

/** How the tensor behind a `Layout` lies; undefined for any other value. */
export function layoutOf(value: Value): LayoutKind | undefined {
  return value.op === 'Layout' ? (value.node!.attributes['kind'] as LayoutKind) : undefined;
}

/** The value as a plain tensor of its logical shape. */
export function materialize(_graph: Graph, value: Value): Value {
  return value;
}

/** The value as a tensor that lies as `kind` says and broadcasts as the logical one does. */
export function physical(_graph: Graph, value: Value, kind: LayoutKind): Value {
  if (layoutOf(value) === kind) return value.node!.inputs[0]!;
  throw new Error(`physical: a plain value arrived where the layout ${kind} is wanted.`);
}

/** A plain value of shape [N, H, W, C] whose numbers lie in `tensor` as `kind` says. */
export function asLayout(graph: Graph, tensor: Value, kind: LayoutKind, shape: readonly number[]): Value {
  return graph.op('Layout', [tensor], { kind }, shape, tensor.dtype);
}

/** The layout that a tensor with this many channels should take. */
export function kindFor(graph: Graph, channels: number): LayoutKind {
  const { name, block } = graph.target;
  return name === 'cpu-blocked' && channels % block === 0 ? 'blocked' : 'nchw';
}

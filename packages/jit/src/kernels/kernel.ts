import type { Graph } from '../graph/graph.ts';
import type { Value } from '../graph/value.ts';

/**
 * How one tfjs kernel becomes graph nodes. Inputs have tfjs's names (`x`, `a`, `b`, `dy`, `filter`; a list of tensors has
 * the keys `0`, `1`, …), attributes are tfjs's own.
 */
export type Kernel = (
  graph: Graph,
  inputs: Readonly<Record<string, Value>>,
  attributes: KernelAttributes,
) => Value | readonly Value[];

/** tfjs declares attributes kernel by kernel; each kernel here names the ones that it reads. */
// eslint-disable-next-line typescript/no-explicit-any
export type KernelAttributes = Readonly<Record<string, any>>;

/** Kernels by tfjs's name, of one family. */
export type KernelFamily = Readonly<Record<string, Kernel>>;

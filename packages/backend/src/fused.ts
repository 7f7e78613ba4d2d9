/**
 * Operations that some engines compute in one piece. Everywhere else their composed form runs, made of ordinary tfjs
 * operations: the caller gives both, and the engine that is active decides.
 *
 * An engine offers a fused operation by registering tfjs kernels for it: one for the value, one for the gradient. The
 * operation is described by {@link FusedOperation}; nothing has to be registered beforehand on the side of the caller.
 */
import { tf } from './tf.ts';

/** Describes the kernels of one operation to {@link runFused}. */
export interface FusedOperation {
  /** The kernel that computes the value, such as `MilestonesLayerNorm`. */
  readonly kernel: string;
  /** Names of the kernel's outputs in their order. The first is the value; the others are there for the gradient. */
  readonly outputs: readonly [string, ...string[]];
  /** The inputs that a gradient flows to, in the order in which the gradient's kernel returns them. */
  readonly differentiable: readonly string[];
  /** The kernel of the gradient, and which inputs and outputs it gets by name, besides `dy`. */
  readonly gradient: { readonly kernel: string; readonly needs: readonly string[] };
}

/** Whether the active engine has a kernel of this name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/**
 * Runs a kernel of the active engine and returns its outputs. No gradient flows through it.
 *
 * @throws when the active engine has no such kernel; ask {@link hasKernel} first
 */
export function runKernel(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Readonly<Record<string, unknown>> = {},
): tf.Tensor[] {
  const result = tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap) as tf.Tensor | tf.Tensor[];
  return Array.isArray(result) ? result : [result];
}

/**
 * The value of an operation: by the active engine's kernel, or composed where there is none.
 *
 * @param operation the kernels
 * @param inputs the tensors by name; an optional one is left out, and its gradient is then dropped
 * @param attributes what is no tensor; both kernels get them
 * @param composed computes the same, differentiably, from ordinary operations
 * @param observe gets the kernel's outputs by name as they are made, for what has no gradient, such as running statistics;
 *   they are freed when it returns. The composed form looks after that itself.
 */
export function runFused(
  operation: FusedOperation,
  inputs: Readonly<Record<string, tf.Tensor | undefined>>,
  attributes: Readonly<Record<string, unknown>>,
  composed: () => tf.Tensor,
  observe?: (outputs: Readonly<Record<string, tf.Tensor>>) => void,
): tf.Tensor {
  if (!hasKernel(operation.kernel)) return composed();
  const given: Record<string, tf.Tensor> = {};
  for (const [name, tensor] of Object.entries(inputs)) if (tensor !== undefined) given[name] = tensor;
  const differentiable = operation.differentiable.filter((name) => name in given);
  const needed = operation.gradient.needs.filter((name) => name in given || operation.outputs.includes(name));
  const differentiated = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as (tensors: tf.Tensor[]) => void;
    const outputs = runKernel(operation.kernel, given, attributes);
    const named = { ...given };
    operation.outputs.forEach((name, index) => (named[name] = outputs[index]!));
    observe?.(named);
    // Through `save` only: a tensor that the closure keeps may be freed by the time the gradient runs.
    save(needed.map((name) => named[name]!));
    return {
      value: outputs[0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const arrived = { dy, ...Object.fromEntries(needed.map((name, index) => [name, saved[index]!])) };
        const gradients = runKernel(operation.gradient.kernel, arrived, attributes);
        return differentiable.map((name) => gradients[operation.differentiable.indexOf(name)]!);
      },
    };
  });
  return differentiated(...differentiable.map((name) => given[name]!));
}

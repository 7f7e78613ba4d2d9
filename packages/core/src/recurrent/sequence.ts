/**
 * What the recurrent nets have in common: time first, [T, B, …], so that the rows of one step lie together, and all steps of
 * a sequence are one matrix [T · B, …].
 */
import { hasKernel, runKernel, tf } from '@milestones/backend';

/**
 * A product with a matrix that many products share: inputs `x` [rows, K] and `weight` [K, N], or [N, K] with the attribute
 * `transpose`. An engine that has it puts the matrix in order once and not in each product.
 */
const PRODUCT_KERNEL = 'MilestonesSharedProduct';

/** x · weight, or x · weightᵀ. Without a gradient: for the insides of operations that have their own. */
export function sharedProduct(x: tf.Tensor, weight: tf.Tensor, transpose = false): tf.Tensor {
  if (hasKernel(PRODUCT_KERNEL)) return runKernel(PRODUCT_KERNEL, { x, weight }, { transpose })[0]!;
  return tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, transpose);
}

/** The rows of each step, T times [B, …], from all rows [T · B, …]. */
export function perStep(rows: tf.Tensor, T: number): tf.Tensor[] {
  return T === 1 ? [rows] : tf.split(rows, T, 0);
}

/** All rows [T · B, …] from those of each step. */
export function allSteps(steps: tf.Tensor[]): tf.Tensor {
  return tf.concat(steps, 0);
}

/** 1 − x. */
export function rest(x: tf.Tensor): tf.Tensor {
  return tf.sub(1, x);
}

/** The sizes of a sequence and of the weights that it meets. */
export interface SequenceSizes {
  readonly T: number;
  readonly B: number;
  readonly inFeatures: number;
  /** H. */
  readonly hidden: number;
}

/** Checks what arrives at a recurrent operation, and says what is wrong. */
export function sequenceSizes(
  where: string,
  gates: number,
  x: tf.Tensor,
  weights: { readonly input: tf.Tensor; readonly recurrent: tf.Tensor },
  states: Readonly<Record<string, tf.Tensor | undefined>>,
  mask: tf.Tensor | undefined,
): SequenceSizes {
  const [T, B, inFeatures] = x.shape as [number, number, number];
  const hidden = weights.recurrent.shape[0]!;
  const require = (name: string, tensor: tf.Tensor, shape: readonly number[]): void => {
    if (tensor.shape.join() === shape.join()) return;
    throw new Error(
      `${where}: ${name} of shape [${tensor.shape.join(', ')}] arrived; with x of shape [${x.shape.join(', ')}] and ` +
        `${hidden} hidden features give [${shape.join(', ')}].`,
    );
  };
  if (x.rank !== 3 || T === 0) {
    throw new Error(
      `${where}: x of shape [${x.shape.join(', ')}] arrived; give [T, B, features] with at least one step.`,
    );
  }
  require('input weights', weights.input, [inFeatures, gates * hidden]);
  require('recurrent weights', weights.recurrent, [hidden, gates * hidden]);
  for (const [name, state] of Object.entries(states)) if (state !== undefined) require(name, state, [B, hidden]);
  if (mask !== undefined) require('a mask', mask, [T, B]);
  return { T, B, inFeatures, hidden };
}

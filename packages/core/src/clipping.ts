/**
 * Gradient clipping, between `valueAndGradients` and `optimizer.update`. Pure tensor operations: no value is read, and
 * the tensors that come in stay as they are.
 */
import { tf } from '@milestones/backend';

/** Gradients by parameter name. */
export type Gradients = Record<string, tf.Tensor>;

/** PyTorch's guard against a division by zero, added to the norm. */
const NORM_EPSILON = 1e-6;

/** Limits every single value to −`limit` … `limit`. */
export function clipByValue(gradients: Readonly<Gradients>, limit: number): Gradients {
  requirePositive('clipByValue', 'limit', limit);
  return mapped(gradients, (gradient) => tf.clipByValue(gradient, -limit, limit));
}

/**
 * Scales each tensor on its own so that its Euclidean norm is at most `maximum`:
 * g ← g · min(1, maximum / (‖g‖ + 1e-6)).
 */
export function clipByNorm(gradients: Readonly<Gradients>, maximum: number): Gradients {
  requirePositive('clipByNorm', 'maximum', maximum);
  return mapped(gradients, (gradient) => tf.mul(gradient, scaleFor(tf.sqrt(tf.sum(tf.square(gradient))), maximum)));
}

/**
 * Scales all tensors by one factor, so that the norm of all values together is at most `maximum`.
 * Pascanu et al. 2013, section 3.2, Algorithm 1.
 *
 *     g ← g · min(1, maximum / (‖all g‖ + 1e-6))
 *
 * The 1e-6 is PyTorch's (`clip_grad_norm_`): the clipped norm falls short of `maximum` by that much. A NaN or an infinity
 * in one gradient reaches all of them; `norm` shows it.
 *
 * @returns the clipped gradients, and the norm before clipping as a scalar
 */
export function clipByGlobalNorm(
  gradients: Readonly<Gradients>,
  maximum: number,
): { gradients: Gradients; norm: tf.Scalar } {
  requirePositive('clipByGlobalNorm', 'maximum', maximum);
  const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)));
  const norm = squares.length === 0 ? tf.scalar(0) : (tf.sqrt(tf.addN(squares)) as tf.Scalar);
  const scale = scaleFor(norm, maximum);
  return { gradients: mapped(gradients, (gradient) => tf.mul(gradient, scale)), norm };
}

function scaleFor(norm: tf.Tensor, maximum: number): tf.Tensor {
  return tf.minimum(tf.div(maximum, tf.add(norm, NORM_EPSILON)), 1);
}

function mapped(gradients: Readonly<Gradients>, change: (gradient: tf.Tensor) => tf.Tensor): Gradients {
  return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, change(gradient)]));
}

function requirePositive(where: string, name: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) {
    throw new Error(`${where}: the ${name} ${value} arrived; give a finite number above 0.`);
  }
}

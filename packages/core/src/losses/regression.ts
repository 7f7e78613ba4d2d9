import { tf } from '@milestones/backend';
import { nonNegative } from '../hyperparameters.ts';
import { withGradient } from '../with-gradient.ts';
import { reduce, requireSameShape, type LossOptions } from './reduction.ts';

/**
 * Squared error, (ŷ − y)². `mean` is the mean over all values, as in PyTorch.
 *
 * @param prediction ŷ, any shape
 * @param target y, the same shape
 */
export function meanSquaredErrorLoss(prediction: tf.Tensor, target: tf.Tensor, options: LossOptions = {}): tf.Tensor {
  requireSameShape('meanSquaredErrorLoss', { prediction, target });
  return reduce(tf.square(tf.sub(prediction, target)), options.reduction);
}

/**
 * Absolute error, |ŷ − y|. The gradient at ŷ = y is 0.
 *
 * @param prediction ŷ, any shape
 * @param target y, the same shape
 */
export function meanAbsoluteErrorLoss(prediction: tf.Tensor, target: tf.Tensor, options: LossOptions = {}): tf.Tensor {
  requireSameShape('meanAbsoluteErrorLoss', { prediction, target });
  // tfjs's own gradient of abs is −1 at 0, which would push a perfect prediction away.
  const losses = withGradient<[tf.Tensor]>(
    tf.sub(prediction, target),
    (difference) => ({ value: tf.abs(difference), saved: [difference] }),
    (dy, [difference]) => tf.mul(tf.sign(difference), dy),
  );
  return reduce(losses, options.reduction);
}

/**
 * Huber's loss: quadratic for small errors, linear for large. Huber 1964.
 *
 *     loss = d² / 2               where |d| ≤ δ
 *            δ (|d| − δ / 2)      elsewhere            ∂loss/∂d = clip(d, −δ, δ)
 *
 * With c = clip(d, −δ, δ) both cases are c (d − c / 2). δ = 1 is the error clipping of the deep Q-network.
 *
 * @param prediction ŷ, any shape; d = ŷ − y
 * @param target y, the same shape
 * @param options `delta` is δ, above 0; default 1
 */
export function huberLoss(
  prediction: tf.Tensor,
  target: tf.Tensor,
  options: LossOptions & { delta?: number } = {},
): tf.Tensor {
  requireSameShape('huberLoss', { prediction, target });
  const delta = options.delta ?? 1;
  if (!(delta > 0 && Number.isFinite(delta))) {
    throw new Error(`huberLoss: delta is ${delta}; give a finite number above 0.`);
  }
  const losses = withGradient<[tf.Tensor]>(
    tf.sub(prediction, target),
    (difference) => {
      const clipped = tf.clipByValue(difference, -delta, delta);
      return { value: tf.mul(clipped, tf.sub(difference, tf.mul(clipped, 0.5))), saved: [clipped] };
    },
    (dy, [clipped]) => tf.mul(clipped, dy),
  );
  return reduce(losses, options.reduction);
}

/**
 * The smooth absolute error that detectors fit boxes with: {@link huberLoss} divided by its δ, so that its slope far from 0
 * is 1 whatever β is. Girshick 2015 (Fast R-CNN), equation 3, which has β = 1.
 *
 *     loss = d² / (2 β)       where |d| < β
 *            |d| − β / 2      elsewhere            ∂loss/∂d = clip(d / β, −1, 1)
 *
 * @param prediction ŷ, any shape; d = ŷ − y
 * @param target y, the same shape
 * @param options `beta` is β, above 0; default 1
 */
export function smoothL1Loss(
  prediction: tf.Tensor,
  target: tf.Tensor,
  options: LossOptions & { beta?: number } = {},
): tf.Tensor {
  requireSameShape('smoothL1Loss', { prediction, target });
  const { beta = 1, ...rest } = options;
  if (!(beta > 0 && Number.isFinite(beta))) {
    throw new Error(`smoothL1Loss: beta is ${beta}; give a finite number above 0.`);
  }
  return tf.div(huberLoss(prediction, target, { ...rest, delta: beta }), beta);
}

/** Options of {@link gaussianNegativeLogLikelihoodLoss}. */
export interface GaussianLossOptions extends LossOptions {
  /** The smallest variance that is divided by. Default 1e-6. */
  epsilon?: number;
  /** Whether to add the constant log(2π) / 2, which makes the value a log-density. Default false. */
  full?: boolean;
}

/**
 * Negative log-likelihood of `target` under a normal distribution with predicted mean and variance.
 * Nix and Weigend 1994.
 *
 *     loss = (log v + (μ − y)² / v) / 2 [+ log(2π) / 2]       v = max(variance, ε)
 *
 * As in PyTorch the gradient passes the maximum unchanged, so that a variance that fell below ε can grow again.
 *
 * @param mean μ, any shape
 * @param target y, the same shape
 * @param variance the same shape, not negative
 */
export function gaussianNegativeLogLikelihoodLoss(
  mean: tf.Tensor,
  target: tf.Tensor,
  variance: tf.Tensor,
  options: GaussianLossOptions = {},
): tf.Tensor {
  requireSameShape('gaussianNegativeLogLikelihoodLoss', { mean, target, variance });
  const epsilon = nonNegative('gaussianNegativeLogLikelihoodLoss', 'epsilon', options.epsilon ?? 1e-6);
  const floored = withGradient<[]>(
    variance,
    (raw) => ({ value: tf.maximum(raw, epsilon), saved: [] }),
    (dy) => dy,
  );
  const scaled = tf.div(tf.square(tf.sub(mean, target)), floored);
  const values = tf.mul(tf.add(tf.log(floored), scaled), 0.5);
  return reduce(options.full === true ? tf.add(values, Math.log(2 * Math.PI) / 2) : values, options.reduction);
}

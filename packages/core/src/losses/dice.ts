import { tf } from '@milestones/backend';
import { nonNegative } from '../hyperparameters.ts';
import { reduce, requireSameShape, type LossOptions } from './reduction.ts';

/** Options of {@link diceLoss}. */
export interface DiceOptions extends LossOptions {
  /** s: keeps a class that is neither there nor predicted at a loss of 0 in place of 0 / 0. Default 1. */
  smoothing?: number;
}

/**
 * One minus the Dice coefficient, the overlap of a predicted region with the true one. Milletari et al. 2016, section 3.
 *
 *     loss = 1 − (2 Σ p g + s) / (Σ p² + Σ g² + s)        sums over the pixels of one image and one class
 *
 * A region counts by its share, not by its pixels: a small object weighs as much as the ground around it, which in a mean
 * over pixels drowns it.
 *
 * @param probabilities p [B, …, K], from 0 to 1, such as a softmax over K classes
 * @param targets g, the same shape: 1 where the pixel is of the class, else 0
 * @returns the mean over images and classes; with `reduction: 'none'` one value for each, [B, K]
 */
export function diceLoss(probabilities: tf.Tensor, targets: tf.Tensor, options: DiceOptions = {}): tf.Tensor {
  requireSameShape('diceLoss', { probabilities, targets });
  const smoothing = nonNegative('diceLoss', 'smoothing', options.smoothing ?? 1);
  const [images, classes] = [probabilities.shape[0], probabilities.shape.at(-1)];
  if (probabilities.rank < 3 || images === undefined || classes === undefined) {
    throw new Error(
      `diceLoss: probabilities of shape [${probabilities.shape.join(', ')}] arrived; give [images, pixels, classes], or ` +
        'more axes of pixels between the two.',
    );
  }
  const p = tf.reshape(probabilities, [images, -1, classes]); // [B, pixels, K]
  const g = tf.reshape(targets, [images, -1, classes]);
  const overlap = tf.sum(tf.mul(p, g), 1); // [B, K]
  const sizes = tf.sum(tf.add(tf.square(p), tf.square(g)), 1); // [B, K]
  const coefficient = tf.div(tf.add(tf.mul(overlap, 2), smoothing), tf.add(sizes, smoothing));
  return reduce(tf.sub(1, coefficient), options.reduction);
}

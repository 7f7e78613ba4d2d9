/**
 * The paper's loss. Chen et al. 2020, equation 1 and algorithm 1.
 */
import { tf } from '@milestones/backend';
import { crossEntropyLoss } from '@milestones/core';

/** Rows of unit length: z / ‖z‖. @param z [B, C] */
export function normalizeRows(z: tf.Tensor2D): tf.Tensor2D {
  // The small number keeps the gradient of a row of zeros finite; it is the authors' too.
  return tf.mul(z, tf.rsqrt(tf.add(tf.sum(tf.square(z), 1, true), 1e-12)));
}

/**
 * NT-Xent, the normalised, temperature-scaled cross-entropy: each of the 2N views has to find the other view of its image
 * among 2N − 1.
 *
 *     ℓ(i, j) = − log( exp(s_ij / τ) / Σ_{k ≠ i} exp(s_ik / τ) )       s_ij = z_i · z_j / (‖z_i‖ ‖z_j‖)
 *     L = 1 / 2N · Σ_n ( ℓ(n, n + N) + ℓ(n + N, n) )
 *
 * The sum below has 2N − 1 terms: the positive one and 2N − 2 negatives; a view is not compared with itself. Where all
 * similarities are equal, L = ln(2N − 1).
 *
 * @param z [2N, C], not yet normalised: the first views of N images, then the second views in the same order
 * @param temperature τ, above 0
 * @returns a scalar, in nats
 * @throws when there are not two views of at least two images, or the temperature is not above 0
 */
export function ntXentLoss(z: tf.Tensor2D, temperature: number): tf.Scalar {
  const rows = z.shape[0];
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new Error(`ntXentLoss: the temperature ${temperature} arrived; give a number above 0, for example 0.5.`);
  }
  if (z.rank !== 2 || rows < 4 || rows % 2 !== 0) {
    throw new Error(
      `ntXentLoss: z of shape [${z.shape.join(', ')}] arrived; give [2N, C], two views of each of at least 2 images: a ` +
        'view finds its partner among the views of other images.',
    );
  }
  const unit = normalizeRows(z); // [2N, C]
  const similarities = tf.div(tf.matMul(unit, unit, false, true), temperature); // [2N, 2N]
  const numbers = tf.range(0, rows, 1, 'int32'); // [2N]
  const itself = tf.equal(tf.expandDims(numbers, 0), tf.expandDims(numbers, 1)); // [2N, 2N]
  // exp(−1e9) is 0: the view itself is neither in the sum nor in its gradient.
  const logits = tf.sub(similarities, tf.mul(tf.cast(itself, 'float32'), 1e9));
  const half = rows / 2;
  const partners = tf.concat([tf.range(half, rows, 1, 'int32'), tf.range(0, half, 1, 'int32')]); // [2N]
  return crossEntropyLoss(logits, partners) as tf.Scalar;
}

import { tf } from '@milestones/backend';

/**
 * 1 / (1 − βᵗ): what a moving average that started at zero must be multiplied by to be unbiased.
 * Kingma and Ba 2014, section 3.
 *
 * In float32, 1 − 0.999 has lost four digits before the subtraction begins. With T = tanh(−t · ln β / 2) the same number
 * is 1/2 + 1 / (2 T), where nothing cancels: ln β is taken in double precision and T is accurate near 0.
 *
 * @param decay β, from 0 up to, not including, 1
 * @param step t as a float32 scalar, 1 at the first update
 */
export function inverseBiasCorrection(decay: number, step: tf.Scalar): tf.Scalar {
  const halfRate = Math.min(-Math.log(decay) / 2, 50); // β = 0: tanh(50) is 1, and the correction is 1.
  return tf.add(tf.div(0.5, tf.tanh(tf.mul(step, halfRate))), 0.5) as tf.Scalar;
}

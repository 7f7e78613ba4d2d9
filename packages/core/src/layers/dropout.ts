import { tf } from '@milestones/backend';
import { Module } from '../module.ts';
import type { RandomKey } from '../random/random-key.ts';

/**
 * Dropout, in its inverted form: in training mode each value is zeroed with probability `rate` and the others are divided
 * by 1 − rate, so that the expected output is the input; in evaluation mode the input passes unchanged. Srivastava et al.
 * 2014, section 4. Their p is the probability to keep; `rate` is the probability to drop.
 */
export class Dropout extends Module {
  readonly rate: number;

  constructor(rate: number) {
    super();
    if (!(rate >= 0 && rate < 1)) {
      throw new Error(
        `Dropout: the rate ${rate} arrived; give the probability to drop, from 0 up to but not including 1.`,
      );
    }
    this.rate = rate;
  }

  /**
   * @param x any shape
   * @param key where this layer's noise comes from; needed in training mode when the rate is above 0
   */
  forward(x: tf.Tensor, key?: RandomKey): tf.Tensor {
    if (!this.training || this.rate === 0) return x;
    if (key === undefined) {
      throw new Error(
        `Dropout: a layer of rate ${this.rate} in training mode got no random key; pass key.fold('name'), or call model.eval().`,
      );
    }
    const kept = tf.cast(tf.greaterEqual(key.uniform(x.shape), this.rate), 'float32');
    return tf.mul(x, tf.mul(kept, 1 / (1 - this.rate)));
  }
}

import { tf } from '@milestones/backend';
import { normal, ones, zeros, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';

/** Options of {@link WeightNormDense}. */
export interface WeightNormDenseOptions {
  /** Whether to add a bias. Default true. */
  bias?: boolean;
  /** Of v; only its direction counts. Default N(0, 0.05²), as in the paper's section 3. */
  directionInitializer?: Initializer;
  /** Of g. Default: ones, weight vectors of length 1. */
  lengthInitializer?: Initializer;
}

/**
 * Fully connected layer whose weight vectors are a length times a direction. Salimans and Kingma 2016, equation 2.
 *
 *     y = x W + b        each column of W: w = g · v / ‖v‖
 *
 * Gradients then act on length and direction apart: ∂L/∂v stands at right angles to v (equation 3), so that ‖v‖ can only
 * grow, and large steps calm themselves. No statistic of a batch is involved: training and evaluation agree, and a batch may
 * be one example. The mean of the inputs is not removed, unlike with batch norm; see {@link initializeByData}.
 *
 * `direction` (v) is [in, out], `length` (g) and `bias` are [out].
 */
export class WeightNormDense extends Module {
  readonly direction: Parameter;
  readonly length: Parameter;
  readonly bias: Parameter | undefined;
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(inFeatures: number, outFeatures: number, options: WeightNormDenseOptions = {}) {
    super();
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.direction = new Parameter([inFeatures, outFeatures], options.directionInitializer ?? normal(0.05));
    this.length = new Parameter([outFeatures], options.lengthInitializer ?? ones());
    this.bias = options.bias === false ? undefined : new Parameter([outFeatures], zeros());
  }

  /**
   * @param x [..., in]
   * @returns [..., out]
   */
  forward(x: tf.Tensor): tf.Tensor {
    const scaled = tf.mul(this.#along(x), this.length.value); // [rows, out]
    const y = this.bias === undefined ? scaled : tf.add(scaled, this.bias.value);
    return tf.reshape(y, [...x.shape.slice(0, -1), this.outFeatures]); // [..., out]
  }

  /**
   * Sets g and b from one batch so that the outputs for it have mean 0 and variance 1, as batch norm would give them, but
   * only once, before training. Salimans and Kingma 2016, section 3, equations 5 and 6: with t = x v / ‖v‖,
   * g ← 1 / σ[t] and b ← −μ[t] / σ[t]. Go from the first layer to the last, each on what the one before gives. Not for use
   * inside a compiled step.
   *
   * @param x [..., in], at least two rows
   * @throws when the layer has no bias
   */
  initializeByData(x: tf.Tensor): void {
    const { bias } = this;
    if (bias === undefined) {
      throw new Error('WeightNormDense: initializeByData needs a bias to remove the mean; build the layer with one.');
    }
    tf.tidy(() => {
      const { mean, variance } = tf.moments(this.#along(x), 0); // [out] each
      const length = tf.rsqrt(tf.add(variance, 1e-8));
      this.length.assign(length);
      bias.assign(tf.neg(tf.mul(mean, length)));
    });
  }

  /** x v / ‖v‖: [..., in] → [rows, out] */
  #along(x: tf.Tensor): tf.Tensor2D {
    if (x.shape.at(-1) !== this.inFeatures) {
      throw new Error(
        `WeightNormDense: input of shape [${x.shape.join(', ')}] arrived for a layer of ${this.inFeatures} input ` +
          `features; its last size must be ${this.inFeatures}.`,
      );
    }
    const rows = tf.reshape(x, [-1, this.inFeatures]) as tf.Tensor2D; // [rows, in]
    const v = this.direction.value as tf.Tensor2D;
    const norms = tf.sqrt(tf.sum(tf.square(v), 0)); // [out]
    return tf.div(tf.matMul(rows, v), norms); // dividing [rows, out], mostly the smaller of the two
  }
}

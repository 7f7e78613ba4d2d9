import { runFused, tf, type FusedOperation } from '@milestones/backend';
import { ones, zeros } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  epsilon?: number;
  /** Whether to add a bias. Default true. */
  bias?: boolean;
}

/** x, weight and bias (optional) → y, with the mean and 1 / √(variance + ε) of each row [..., 1]. */
const LAYER_NORM = {
  kernel: 'MilestonesLayerNorm',
  outputs: ['y', 'mean', 'inverse'],
  differentiable: ['x', 'weight', 'bias'],
  gradient: { kernel: 'MilestonesLayerNormGradient', needs: ['x', 'mean', 'inverse', 'weight'] },
} as const satisfies FusedOperation;

/**
 * Layer normalisation over the last axis. Ba, Kiros and Hinton 2016, equation 4.
 *
 * y = (x − mean) / √(variance + ε) · weight + bias, with the biased variance. `weight` and `bias` are [features].
 */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly epsilon: number;

  constructor(features: number, options: LayerNormOptions = {}) {
    super();
    this.epsilon = options.epsilon ?? 1e-5;
    this.weight = new Parameter([features], ones());
    this.bias = options.bias === false ? undefined : new Parameter([features], zeros());
  }

  /**
   * @param x [..., features]
   * @returns [..., features]
   */
  forward(x: tf.Tensor): tf.Tensor {
    if (x.shape.at(-1) !== this.weight.shape[0]) {
      throw new Error(
        `LayerNorm: input of shape [${x.shape.join(', ')}] arrived for a layer of ${this.weight.shape[0]} features; its last size must be ${this.weight.shape[0]}.`,
      );
    }
    const weight = this.weight.value;
    const bias = this.bias?.value;
    return runFused(LAYER_NORM, { x, weight, bias }, { epsilon: this.epsilon }, () => {
      const scaled = tf.mul(standardize(x, this.epsilon), weight);
      return bias === undefined ? scaled : tf.add(scaled, bias);
    });
  }
}

/**
 * x̂ = (x − mean) / √(variance + ε) over the last axis.
 *
 * The gradient is written out, dx = (dy − mean(dy) − x̂ · mean(dy · x̂)) / √(variance + ε): differentiating the formula op
 * by op gives the same numbers with three times as many ops.
 *
 * @param x [..., features]
 */
export function standardize(x: tf.Tensor, epsilon: number): tf.Tensor {
  const operation = tf.customGrad((input, save) => {
    const values = input as tf.Tensor;
    const centred = tf.sub(values, tf.mean(values, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true); // [..., 1]
    const inverse = tf.rsqrt(tf.add(variance, epsilon)); // [..., 1]
    const normalised = tf.mul(centred, inverse);
    (save as tf.GradSaveFunc)([normalised, inverse]);
    return {
      value: normalised,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [y, scale] = saved as [tf.Tensor, tf.Tensor];
        const along = tf.mul(y, tf.mean(tf.mul(dy, y), -1, true));
        return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, -1, true)), along), scale);
      },
    };
  });
  return operation(x);
}

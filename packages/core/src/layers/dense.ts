import { tf } from '@milestones/backend';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';

/** Options of {@link Dense}. */
export interface DenseOptions {
  /** Whether to add a bias. Default true. */
  bias?: boolean;
  /** Default U(−1/√in, 1/√in). */
  weightInitializer?: Initializer;
  /** Default U(−1/√in, 1/√in). */
  biasInitializer?: Initializer;
}

/**
 * Fully connected layer: y = x W + b.
 *
 * `weight` is [in, out], `bias` [out].
 */
export class Dense extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(inFeatures: number, outFeatures: number, options: DenseOptions = {}) {
    super();
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter([inFeatures, outFeatures], options.weightInitializer ?? fanInUniform());
    this.bias =
      options.bias === false
        ? undefined
        : new Parameter([outFeatures], options.biasInitializer ?? fanInUniform(inFeatures));
  }

  /**
   * @param x [..., in]
   * @returns [..., out]
   */
  forward(x: tf.Tensor): tf.Tensor {
    const leading = x.shape.slice(0, -1);
    if (x.shape.at(-1) !== this.inFeatures) {
      throw new Error(
        `Dense: input of shape [${x.shape.join(', ')}] arrived for a layer of ${this.inFeatures} input features; its last size must be ${this.inFeatures}.`,
      );
    }
    // One large matrix product: tfjs would run a product of rank 3 as a loop, and has no gradient for a broadcast batch.
    const rows = tf.reshape(x, [-1, this.inFeatures]); // [rows, in]
    let y: tf.Tensor = tf.matMul(rows, this.weight.value as tf.Tensor2D); // [rows, out]
    if (this.bias !== undefined) y = tf.add(y, this.bias.value);
    return tf.reshape(y, [...leading, this.outFeatures]); // [..., out]
  }
}

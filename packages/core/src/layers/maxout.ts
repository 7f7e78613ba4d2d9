import { tf } from '@milestones/backend';
import type { Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Dense } from './dense.ts';

/** Options of {@link Maxout}. */
export interface MaxoutOptions {
  /** Default U(−1/√in, 1/√in). */
  weightInitializer?: Initializer;
  /** Default U(−1/√in, 1/√in). */
  biasInitializer?: Initializer;
}

/**
 * Fully connected layer whose units are the largest of several affine pieces. Goodfellow et al. 2013, section 3.
 *
 *     y[u] = max over p of (x W[·, p · units + u] + b[p · units + u])
 *
 * A unit learns its own convex activation function. `pieces.weight` is [in, pieces · units], the pieces one after the other,
 * `pieces.bias` [pieces · units]. The gradient goes to the largest piece; where several are equally large, tfjs gives it to
 * each of them.
 */
export class Maxout extends Module {
  readonly pieces: Dense;
  readonly pieceCount: number;
  readonly units: number;

  /**
   * @param inFeatures size of the input's last axis
   * @param units size of the output's last axis
   * @param pieceCount affine pieces of each unit
   */
  constructor(inFeatures: number, units: number, pieceCount: number, options: MaxoutOptions = {}) {
    super();
    if (!Number.isSafeInteger(pieceCount) || pieceCount < 2) {
      throw new Error(`Maxout: ${pieceCount} pieces arrived; give a whole number of at least 2, or use Dense.`);
    }
    this.pieces = new Dense(inFeatures, units * pieceCount, options);
    this.pieceCount = pieceCount;
    this.units = units;
  }

  /**
   * @param x [..., in]
   * @returns [..., units]
   */
  forward(x: tf.Tensor): tf.Tensor {
    const all = tf.reshape(this.pieces.forward(x), [-1, this.pieceCount, this.units]); // [rows, pieces, units]
    return tf.reshape(tf.max(all, 1), [...x.shape.slice(0, -1), this.units]); // [..., units]
  }
}

/**
 * Dense networks for the degradation experiment on MNIST: plain, or with a shortcut over every two layers. The paper shows
 * degradation on CIFAR-10 and ImageNet (figures 1, 6) and says that others saw it on MNIST; there it costs minutes.
 *
 *   depth 10, 20, 50: one layer in, one layer out, and 4, 9, 24 blocks of two layers between them
 */
import { tf } from '@milestones/backend';
import { BatchNorm, Dense, heNormal, Module, ones, zeros, type Initializer } from '@milestones/core';

/** Architecture of a {@link ResidualMlp}. */
export interface ResidualMlpOptions {
  /** Values of an image. */
  inputs: number;
  /** Width of every hidden layer. Default 50. */
  units?: number;
  /** Number of weight layers: even, at least 4. */
  depth: number;
  /** Whether every block adds its input to its output. */
  residual: boolean;
  /** Whether a batch norm follows every hidden layer. Default true. */
  batchNorm?: boolean;
  /**
   * Whether the last scale of each residual block starts at 0, so that every block begins as the identity on what is
   * positive, and the net as a shallow one. Goyal et al. 2017, section 5.1. Default false; plain nets ignore it.
   */
  identityStart?: boolean;
  /** K, number of classes. Default 10. */
  classes?: number;
}

/** A dense layer, and its batch norm if it has one. */
export class NormedDense extends Module {
  readonly dense: Dense;
  readonly norm: BatchNorm | undefined;

  constructor(inputs: number, units: number, batchNorm: boolean, scaleInitializer: Initializer = ones()) {
    super();
    const initializers = { weightInitializer: heNormal(), biasInitializer: zeros() };
    this.dense = new Dense(inputs, units, { bias: !batchNorm, ...initializers });
    this.norm = batchNorm ? new BatchNorm({ features: units, scaleInitializer }) : undefined;
  }

  forward(x: tf.Tensor): tf.Tensor {
    const y = this.dense.forward(x); // [B, units]
    return this.norm === undefined ? y : this.norm.forward(y);
  }
}

/** y = relu(x + F(x)), or relu(F(x)) in a plain net, with F two dense layers. */
export class DenseBlock extends Module {
  readonly first: NormedDense;
  readonly second: NormedDense;
  readonly #residual: boolean;

  constructor(units: number, residual: boolean, batchNorm: boolean, identityStart: boolean) {
    super();
    this.first = new NormedDense(units, units, batchNorm);
    this.second = new NormedDense(units, units, batchNorm, identityStart && residual ? zeros() : ones());
    this.#residual = residual;
  }

  /** x [B, units] → [B, units] */
  forward(x: tf.Tensor): tf.Tensor {
    const correction = this.second.forward(tf.relu(this.first.forward(x)));
    return tf.relu(this.#residual ? tf.add(correction, x) : correction);
  }
}

/** See the file's head. */
export class ResidualMlp extends Module {
  readonly input: NormedDense;
  readonly blocks: DenseBlock[];
  readonly head: Dense;
  /** K, number of classes. */
  readonly classes: number;

  constructor(options: ResidualMlpOptions) {
    super();
    const { inputs, units = 50, depth, residual, batchNorm = true, identityStart = false, classes = 10 } = options;
    if (!Number.isInteger(depth) || depth < 4 || depth % 2 !== 0) {
      throw new Error(`ResidualMlp: a depth of ${depth} arrived; give an even number of layers, at least 4.`);
    }
    if (identityStart && !batchNorm) {
      throw new Error('ResidualMlp: identityStart sets scales of batch norms and batchNorm is false; set it to true.');
    }
    this.classes = classes;
    this.input = new NormedDense(inputs, units, batchNorm);
    this.blocks = Array.from(
      { length: (depth - 2) / 2 },
      () => new DenseBlock(units, residual, batchNorm, identityStart),
    );
    this.head = new Dense(units, classes, { weightInitializer: heNormal(), biasInitializer: zeros() });
  }

  /** Images [B, H, W, C] → logits [B, K] */
  forward(images: tf.Tensor4D): tf.Tensor2D {
    const [B] = images.shape;
    let x: tf.Tensor = tf.relu(this.input.forward(tf.reshape(images, [B, -1]))); // [B, units]
    for (const block of this.blocks) x = block.forward(x);
    return this.head.forward(x) as tf.Tensor2D;
  }
}

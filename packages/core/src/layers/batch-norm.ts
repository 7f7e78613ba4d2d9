import { runFused, tf, type FusedOperation } from '@milestones/backend';
import { ones, zeros, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';

/** x [..., C], weight and bias [C] → y, with the mean, the biased variance and 1 / √(variance + ε) of each channel [C]. */
const BATCH_NORM = {
  kernel: 'MilestonesBatchNorm',
  outputs: ['y', 'mean', 'variance', 'inverse'],
  differentiable: ['x', 'weight', 'bias'],
  gradient: { kernel: 'MilestonesBatchNormGradient', needs: ['x', 'inverse', 'weight'] },
} as const satisfies FusedOperation;

/** Mean and biased variance of a batch, [C] each. No gradient flows through them. */
export interface BatchStatistics {
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  epsilon?: number;
  /**
   * Gets the statistics of the batch, for instance to assign running averages of them. The tensors are freed when it
   * returns.
   */
  observe?: (statistics: BatchStatistics) => void;
}

/**
 * Batch normalisation with the statistics of the batch itself, as in training. Ioffe and Szegedy 2015, Algorithm 1.
 *
 *     y = x̂ · weight + bias       x̂ = (x − mean) / √(variance + ε)       mean and biased variance over all axes but the last
 *     dx = (dy − mean(dy) − x̂ · mean(dy · x̂)) · weight / √(variance + ε)
 *
 * @param x [..., C]
 * @param weight [C], γ in the paper
 * @param bias [C], β in the paper
 * @returns [..., C]
 */
export function batchNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, options: BatchNormOptions = {}): tf.Tensor {
  const channels = x.shape.at(-1);
  for (const [name, { shape }] of Object.entries({ weight, bias })) {
    if (shape.length !== 1 || shape[0] !== channels) {
      throw new Error(
        `batchNorm: a ${name} of shape [${shape.join(', ')}] arrived for an input of shape [${x.shape.join(', ')}]; ` +
          `give it the shape [${channels}].`,
      );
    }
  }
  const epsilon = options.epsilon ?? 1e-5;
  const { observe } = options;
  const composed = (): tf.Tensor => tf.add(tf.mul(normalise(x, epsilon, observe), weight), bias);
  return runFused(BATCH_NORM, { x, weight, bias }, { epsilon }, composed, (outputs) =>
    observe?.({ mean: outputs['mean']!, variance: outputs['variance']! }),
  );
}

/** x̂, with its gradient written out: op by op it would take three times as many kernels. */
function normalise(x: tf.Tensor, epsilon: number, observe: BatchNormOptions['observe']): tf.Tensor {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const operation = tf.customGrad((input, save) => {
    const values = input as tf.Tensor;
    const mean = tf.mean(values, axes); // [C]
    const centred = tf.sub(values, mean);
    const variance = tf.mean(tf.square(centred), axes); // [C]
    observe?.({ mean, variance });
    const inverse = tf.rsqrt(tf.add(variance, epsilon)); // [C]
    const normalised = tf.mul(centred, inverse);
    (save as tf.GradSaveFunc)([normalised, inverse]);
    return {
      value: normalised,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [y, scale] = saved as [tf.Tensor, tf.Tensor];
        const along = tf.mul(y, tf.mean(tf.mul(dy, y), axes));
        return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, axes)), along), scale);
      },
    };
  });
  return operation(x);
}

/** Options of {@link BatchNorm}. */
export interface BatchNormLayerOptions {
  /** Number of channels, C. */
  features: number;
  /** What share of the running estimates a batch replaces. TensorFlow's momentum is 1 minus this. Default 0.1. */
  momentum?: number;
  /** Added to the variance. Default 1e-5. */
  epsilon?: number;
  /** How the scale γ begins. Default: ones. */
  scaleInitializer?: Initializer;
}

/**
 * Batch normalisation of each channel. Ioffe and Szegedy 2015.
 *
 *     training      {@link batchNorm} with `scale` (γ) and `shift` (β) and the statistics of the batch; besides,
 *                   running ← (1 − momentum) · running + momentum · statistic
 *     evaluation    (x − runningMean) / √(runningVariance + ε) · scale + shift
 *
 * The batch is normalised with its biased variance (divided by n), and its unbiased one (divided by n − 1) enters the
 * running estimate (algorithm 2, step 10, and PyTorch). `runningMean` and `runningVariance` are buffers: part of the state, not trained;
 * they begin at 0 and 1. A layer before this one needs no bias.
 */
export class BatchNorm extends Module {
  readonly scale: Parameter;
  readonly shift: Parameter;
  readonly runningMean: Parameter;
  readonly runningVariance: Parameter;
  readonly momentum: number;
  readonly epsilon: number;

  constructor(options: BatchNormLayerOptions) {
    super();
    const { features, momentum = 0.1, epsilon = 1e-5, scaleInitializer = ones() } = options;
    if (!(momentum >= 0 && momentum <= 1)) {
      throw new Error(
        `BatchNorm: the momentum ${momentum} arrived; give the share of a batch in the running estimates, 0 to 1.`,
      );
    }
    this.scale = new Parameter([features], scaleInitializer);
    this.shift = new Parameter([features], zeros());
    this.runningMean = new Parameter([features], zeros(), { trainable: false });
    this.runningVariance = new Parameter([features], ones(), { trainable: false });
    this.momentum = momentum;
    this.epsilon = epsilon;
  }

  /**
   * @param x [B, …, C]
   * @returns the same shape
   */
  forward<T extends tf.Tensor>(x: T): T {
    const channels = this.scale.shape[0]!;
    if (x.shape.length < 2 || x.shape.at(-1) !== channels) {
      throw new Error(
        `BatchNorm: input of shape [${x.shape.join(', ')}] arrived for a layer of ${channels} features; its last size ` +
          `must be ${channels}, and a batch comes first.`,
      );
    }
    return (this.training ? this.#normalizeBatch(x) : this.#normalizeByEstimates(x)) as T;
  }

  #normalizeBatch(x: tf.Tensor): tf.Tensor {
    const count = x.size / this.scale.shape[0]!;
    if (count < 2) {
      throw new Error(
        `BatchNorm: input of shape [${x.shape.join(', ')}] arrived in training mode; a variance needs at least two ` +
          'values of each channel: give a larger batch, or call model.eval().',
      );
    }
    const unbiased = count / (count - 1);
    return batchNorm(x, this.scale.value, this.shift.value, {
      epsilon: this.epsilon,
      observe: ({ mean, variance }) => {
        this.#update(this.runningMean, mean);
        this.#update(this.runningVariance, tf.mul(variance, unbiased));
      },
    });
  }

  #update({ value: running }: Parameter, statistic: tf.Tensor): void {
    running.assign(tf.add(tf.mul(running, 1 - this.momentum), tf.mul(statistic, this.momentum)));
  }

  #normalizeByEstimates(x: tf.Tensor): tf.Tensor {
    const statistics = [this.runningMean, this.runningVariance, this.shift, this.scale].map(
      ({ value }) => value as unknown as tf.Tensor1D,
    ) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    if (x.shape.length === 4) return tf.batchNorm(x as tf.Tensor4D, ...statistics, this.epsilon);
    const rows = tf.reshape(x, [-1, this.scale.shape[0]!]) as tf.Tensor2D;
    return tf.reshape(tf.batchNorm(rows, ...statistics, this.epsilon), x.shape);
  }
}

import { runFused, tf, type FusedOperation } from '@milestones/backend';

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

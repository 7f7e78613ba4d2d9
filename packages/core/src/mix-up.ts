/**
 * MixUp: training on convex combinations of pairs of examples. Zhang et al. 2018, "mixup: Beyond empirical risk
 * minimization", equation 2.
 */
import { tf } from '@milestones/backend';
import type { Random } from './random/random.ts';

/** What {@link mixUp} makes of a batch. */
export interface Mixed {
  /** The shape of the images. */
  images: tf.Tensor4D;
  /** [B, K], each row a distribution; for `softCrossEntropyLoss`. */
  targets: tf.Tensor2D;
}

/**
 * x̃ = λ · x + (1 − λ) · x[permutation], and the same of the targets. A pure tensor function, to be called inside a step:
 * λ and the permutation are drawn on the host, see {@link mixUpWeight} and `Random.permutation`.
 *
 * @param images [B, H, W, C]
 * @param targets one-hot or other distributions, float32 [B, K]
 * @param lambda λ, a scalar for the whole batch as in the paper's code, or [B, 1, 1, 1] for one of each image
 * @param permutation the partner of each image, int32 [B]
 */
export function mixUp(images: tf.Tensor4D, targets: tf.Tensor2D, lambda: tf.Tensor, permutation: tf.Tensor1D): Mixed {
  const batch = images.shape[0];
  const isScalar = lambda.shape.length === 0;
  if (!isScalar && lambda.shape.join() !== [batch, 1, 1, 1].join()) {
    throw new Error(
      `mixUp: lambda has the shape [${lambda.shape.join(', ')}]; give a scalar, or [${batch}, 1, 1, 1] for ${batch} images.`,
    );
  }
  if (targets.shape[0] !== batch || permutation.shape[0] !== batch || permutation.dtype !== 'int32') {
    throw new Error(
      `mixUp: ${batch} images arrived with targets of shape [${targets.shape.join(', ')}] and a ${permutation.dtype} ` +
        `permutation of shape [${permutation.shape.join(', ')}]; give targets [${batch}, classes] and an int32 ` +
        `permutation [${batch}].`,
    );
  }
  const mix = <T extends tf.Tensor>(values: T, share: tf.Tensor): T => {
    const partners = tf.gather(values, permutation);
    return tf.add(partners, tf.mul(tf.sub(values, partners), share));
  };
  return {
    images: mix(images, lambda),
    targets: mix(targets, isScalar ? lambda : tf.reshape(lambda, [batch, 1])),
  };
}

/**
 * λ from Beta(α, α), drawn on the host. α = 0 is no mixing: λ = 1. Small α keeps most λ near 0 or 1; the paper takes 0.1 to
 * 0.4 on ImageNet and 1 (uniform λ) on CIFAR-10, sections 3.1 and 3.2.
 */
export function mixUpWeight(random: Random, alpha: number): number {
  return alpha === 0 ? 1 : random.beta(alpha, alpha);
}

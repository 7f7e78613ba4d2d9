/**
 * The two players' losses. Goodfellow et al. 2014, equation 1 and section 3.
 *
 *     min over G, max over D:   V(D, G) = E[log D(x)] + E[log(1 − D(G(z)))]
 *
 * With D = σ(logit), every logarithm is a binary cross-entropy, and is computed from the logit without overflow.
 */
import { tf } from '@milestones/backend';
import { binaryCrossEntropyLoss } from '@milestones/core';

/** What the generator minimises; see {@link generatorLoss}. */
export type GeneratorObjective = 'nonSaturating' | 'minimax';

/** Value of {@link discriminatorLoss} where nothing can tell real from generated, D = ½ everywhere: ln 4 (theorem 1). */
export const equilibriumLoss = Math.log(4);

/**
 * − V = − mean log D(x) − mean log(1 − D(G(z))): the sum of two binary cross-entropies. The published code descends on half
 * of it.
 *
 * @param real logits of real images, [B, 1]
 * @param generated logits of generated images, [B, 1]
 */
export function discriminatorLoss(real: tf.Tensor, generated: tf.Tensor): tf.Scalar {
  return tf.add(
    binaryCrossEntropyLoss(real, tf.onesLike(real)),
    binaryCrossEntropyLoss(generated, tf.zerosLike(generated)),
  ) as tf.Scalar;
}

/**
 *     minimax          mean log(1 − D(G(z)))    equation 1; its gradient vanishes where D is sure
 *     nonSaturating    − mean log D(G(z))       section 3: the same fixed point, and a strong gradient there
 *
 * @param generated logits of generated images, [B, 1]
 */
export function generatorLoss(generated: tf.Tensor, objective: GeneratorObjective): tf.Scalar {
  if (objective === 'minimax') {
    return tf.neg(binaryCrossEntropyLoss(generated, tf.zerosLike(generated))) as tf.Scalar;
  }
  return binaryCrossEntropyLoss(generated, tf.onesLike(generated)) as tf.Scalar;
}

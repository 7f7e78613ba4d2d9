/** What is added to attention's scores so that some positions are not seen: 0 where they are, −10⁹ where they are not. */
import { tf } from '@milestones/backend';

// Finite on purpose: minus infinity turns a row without any allowed position into NaN. exp(−1e9) is 0 in float32.
const MASKED = -1e9;

/**
 * What a causal layer adds to its scores: 0 where position t may look, −10⁹ ahead of it. With earlier positions in the
 * cache the T queries are the last T of S positions.
 *
 * @returns [T, S]
 */
export function causalMask(T: number, S: number): tf.Tensor2D {
  // Computed and not written as values, so that an engine that records the step knows it for what it is.
  const isAhead = tf.greater(tf.range(0, S, 1, 'int32'), tf.expandDims(tf.range(S - T, S, 1, 'int32'), 1)); // [T, S]
  return tf.where(isAhead, MASKED, 0) as tf.Tensor2D;
}

/**
 * What hides the padding of shorter sentences from attention: 0 at the first `lengths[b]` keys of sentence b, −10⁹ behind
 * them. Goes into `AttentionCall.mask`; add {@link causalMask} where both are needed.
 *
 * @param lengths int32 [B]
 * @param S number of keys
 * @returns [B, 1, 1, S], the same for all heads and queries
 */
export function paddingMask(lengths: tf.Tensor, S: number): tf.Tensor4D {
  if (lengths.rank !== 1 || lengths.dtype !== 'int32') {
    throw new Error(
      `paddingMask: lengths of type ${lengths.dtype} and shape [${lengths.shape.join(', ')}] arrived; give int32 [B].`,
    );
  }
  const isPadding = tf.greaterEqual(tf.range(0, S, 1, 'int32'), tf.reshape(lengths, [-1, 1, 1, 1])); // [B, 1, 1, S]
  return tf.where(isPadding, MASKED, 0) as tf.Tensor4D;
}

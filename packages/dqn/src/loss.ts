/** What the network is to learn: Bellman's equation as a loss. */
import { tf } from '@milestones/backend';
import { huberLoss, meanSquaredErrorLoss } from '@milestones/core';
import type { AgentConfig } from './config.ts';
import type { QNetwork } from './model.ts';

/** A batch as tensors: states [B, …], actions [B] int32, rewards [B], next states [B, …], terminated [B]. */
export type BatchTensors = readonly [
  states: tf.Tensor,
  actions: tf.Tensor1D,
  rewards: tf.Tensor1D,
  nextStates: tf.Tensor,
  terminated: tf.Tensor1D,
];

/**
 * One-step target: y = r + γ · (1 − terminated) · max_a Q⁻(s′, a).  Mnih et al. 2013, equation 2; 2015, algorithm 1.
 *
 * Double DQN (van Hasselt et al. 2016, equation 4): y = r + γ · (1 − terminated) · Q⁻(s′, argmax_a Q(s′, a)).
 *
 * Only what has terminated has no future: the last state of a truncated episode is valued as any other.
 *
 * @param online Q
 * @param target Q⁻; in 2013, Q itself
 * @returns [B]
 */
export function oneStepTarget(
  online: QNetwork,
  target: QNetwork,
  [, , rewards, nextStates, terminated]: BatchTensors,
  { discount, double }: Pick<AgentConfig, 'discount' | 'double'>,
): tf.Tensor1D {
  const values = target.forward(nextStates); // [B, A]
  const best = double
    ? valueOf(values, tf.argMax(online.forward(nextStates), 1)) // [B]
    : tf.max(values, 1); // [B]
  return tf.add(rewards, tf.mul(tf.mul(best, tf.sub(1, terminated)), discount)); // [B]
}

/**
 * The mean over the batch of (y − Q(s, a))², or of Huber's loss of it: then no error pulls harder than one of 1 does.
 *
 * @param wanted y of {@link oneStepTarget}, [B], taken as a constant
 */
export function temporalDifferenceLoss(
  online: QNetwork,
  [states, actions]: BatchTensors,
  wanted: tf.Tensor1D,
  loss: AgentConfig['loss'],
): tf.Scalar {
  const predicted = valueOf(online.forward(states), actions); // [B]
  return (loss === 'huber' ? huberLoss(predicted, wanted) : meanSquaredErrorLoss(predicted, wanted)) as tf.Scalar;
}

/** Values [B, A] and actions [B] → the values of these actions [B] */
function valueOf(values: tf.Tensor2D, actions: tf.Tensor): tf.Tensor1D {
  const chosen = tf.cast(tf.oneHot(actions as tf.Tensor1D, values.shape[1]), 'float32'); // [B, A]
  return tf.sum(tf.mul(values, chosen), 1);
}

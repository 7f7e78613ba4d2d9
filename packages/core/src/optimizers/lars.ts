import { tf } from '@milestones/backend';
import { decayRate, nonNegative } from '../hyperparameters.ts';
import { decayMatrices, Optimizer, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

/** Options of {@link LARS}. */
export interface LARSOptions extends WeightDecayOptions {
  /** μ, the share of the last step that is kept. Default 0.9. */
  momentum?: number;
  /** η, the length of a step relative to the length of the weights, at a learning rate of 1. Default 0.001. */
  trustCoefficient?: number;
}

/**
 * Layer-wise adaptive rate scaling: each layer's step is as long, compared with its weights, as any other layer's. You,
 * Gitman and Ginsburg 2017, in the form of SimCLR's published code.
 *
 *     g ← g + λ θ                                     weight decay
 *     r = η ‖θ‖ / ‖g‖                                 the layer's own rate; 1 where either length is 0
 *     v ← μ v + α r g
 *     θ ← θ − v
 *
 * `decay` (default: weights of rank 2 and more) says which parameters decay **and** are adapted; the others, biases and
 * batch norm, take plain steps of momentum with r = 1. You et al. put λ beside ‖g‖ in the ratio instead,
 * η ‖θ‖ / (‖g‖ + λ ‖θ‖). The learning rate is inside the velocity, unlike in `SGD`.
 */
export class LARS extends Optimizer<'velocity'> {
  readonly #momentum: number;
  readonly #weightDecay: number;
  readonly #trust: number;

  /** @throws when an option is outside its range */
  constructor(options: LARSOptions = {}) {
    super('lars', { velocity: 0 }, options.decay ?? decayMatrices);
    this.#momentum = decayRate(this.name, 'momentum', options.momentum ?? 0.9);
    this.#weightDecay = nonNegative(this.name, 'weightDecay', options.weightDecay ?? 0);
    this.#trust = nonNegative(this.name, 'trustCoefficient', options.trustCoefficient ?? 0.001);
  }

  protected override rule(learningRate: tf.Scalar): UpdateRule<'velocity'> {
    const momentum = tf.scalar(this.#momentum);
    const trust = tf.scalar(this.#trust);
    const weightDecay = tf.scalar(this.#weightDecay);
    return ({ value, gradient, state, decays }) => {
      let step: tf.Tensor = gradient;
      let rate: tf.Tensor = learningRate;
      if (decays) {
        if (this.#weightDecay > 0) step = tf.add(step, tf.mul(value, weightDecay));
        rate = tf.mul(rate, trustRatio(length(value), length(step), trust));
      }
      const velocity = tf.add(tf.mul(state.velocity, momentum), tf.mul(step, rate));
      state.velocity.assign(velocity);
      value.assign(tf.sub(value, velocity));
    };
  }
}

function length(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(x)));
}

function trustRatio(weights: tf.Tensor, step: tf.Tensor, trust: tf.Scalar): tf.Tensor {
  const both = tf.logicalAnd(tf.greater(weights, 0), tf.greater(step, 0));
  return tf.where(both, tf.div(tf.mul(trust, weights), step), 1);
}

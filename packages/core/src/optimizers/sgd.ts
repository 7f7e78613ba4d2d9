import { tf } from '@milestones/backend';
import { decayRate, nonNegative } from '../hyperparameters.ts';
import { Optimizer, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

/** Options of {@link SGD}. */
export interface SGDOptions extends WeightDecayOptions {
  /** μ, the share of the last step that is kept. Default 0: plain gradient descent, without state. */
  momentum?: number;
  /** Look ahead along the velocity before stepping (Nesterov 1983, in the form of Sutskever et al. 2013). Default false. */
  nesterov?: boolean;
}

/**
 * Stochastic gradient descent with momentum.
 *
 *     g ← g + λ θ              weight decay, as L2 regularisation
 *     b ← μ b + g
 *     θ ← θ − α b              plain momentum
 *     θ ← θ − α (g + μ b)      Nesterov
 *
 * As in PyTorch, the learning rate multiplies the velocity when it is applied. Papers that keep it inside,
 * v ← μ v − α g, agree while α is constant and differ for a few steps after α changes. Dampening is 0.
 */
export class SGD extends Optimizer<'velocity'> {
  readonly #momentum: number;
  readonly #nesterov: boolean;
  readonly #weightDecay: number;

  /** @throws when an option is outside its range, or Nesterov is asked for without momentum */
  constructor(options: SGDOptions = {}) {
    const momentum = decayRate('sgd', 'momentum', options.momentum ?? 0);
    super('sgd', (momentum > 0 ? { velocity: 0 } : {}) as Record<'velocity', number>, options.decay);
    this.#momentum = momentum;
    this.#nesterov = options.nesterov ?? false;
    this.#weightDecay = nonNegative(this.name, 'weightDecay', options.weightDecay ?? 0);
    if (this.#nesterov && momentum === 0) {
      throw new Error('sgd: nesterov is set and momentum is 0; give a momentum, for example 0.9.');
    }
  }

  protected override rule(learningRate: tf.Scalar): UpdateRule<'velocity'> {
    const momentum = tf.scalar(this.#momentum);
    const decay = tf.scalar(this.#weightDecay);
    return ({ value, gradient, state, decays }) => {
      let slope = gradient;
      if (this.#weightDecay > 0 && decays) slope = tf.add(slope, tf.mul(value, decay));
      if (this.#momentum > 0) {
        const velocity = tf.add(tf.mul(state.velocity, momentum), slope);
        state.velocity.assign(velocity);
        slope = this.#nesterov ? tf.add(slope, tf.mul(velocity, momentum)) : velocity;
      }
      value.assign(tf.sub(value, tf.mul(slope, learningRate)));
    };
  }
}

import { tf } from '@milestones/backend';
import { inverseBiasCorrection } from './bias-correction.ts';
import { decayRate, nonNegative } from '../hyperparameters.ts';
import { Optimizer, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

/** Options of {@link AdaMax}; the defaults are the paper's, and PyTorch's for ε. */
export interface AdaMaxOptions extends WeightDecayOptions {
  /** β₁, decay of the first moment. Default 0.9. */
  beta1?: number;
  /** β₂, decay of the infinity norm. Default 0.999. */
  beta2?: number;
  /** ε, added to |g| inside the maximum. Default 1e-8. */
  epsilon?: number;
}

/** What AdaMax keeps for each parameter. */
export type AdaMaxSlot = 'firstMoment' | 'infinityNorm';

/**
 * AdaMax, Adam with the infinity norm in place of the root mean square. Kingma and Ba 2014, section 7.1, Algorithm 2.
 *
 *     m ← β₁ m + (1 − β₁) g
 *     u ← max(β₂ u, |g| + ε)
 *     θ ← θ − α / (1 − β₁ᵗ) · m / u
 *
 * The paper's u has no ε and divides 0 by 0 for a weight that never had a gradient; ε inside the maximum is PyTorch's
 * remedy. `weightDecay` is L2 regularisation: g ← g + λ θ.
 */
export class AdaMax extends Optimizer<AdaMaxSlot> {
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #epsilon: number;
  readonly #weightDecay: number;

  /** @throws when an option is outside its range */
  constructor(options: AdaMaxOptions = {}) {
    super('adamax', { firstMoment: 0, infinityNorm: 0 }, options.decay);
    this.#beta1 = decayRate(this.name, 'beta1', options.beta1 ?? 0.9);
    this.#beta2 = decayRate(this.name, 'beta2', options.beta2 ?? 0.999);
    this.#epsilon = nonNegative(this.name, 'epsilon', options.epsilon ?? 1e-8);
    this.#weightDecay = nonNegative(this.name, 'weightDecay', options.weightDecay ?? 0);
  }

  protected override rule(learningRate: tf.Scalar, step: tf.Scalar): UpdateRule<AdaMaxSlot> {
    const beta1 = tf.scalar(this.#beta1);
    const beta2 = tf.scalar(this.#beta2);
    const rest = tf.scalar(1 - this.#beta1);
    const epsilon = tf.scalar(this.#epsilon);
    const decay = tf.scalar(this.#weightDecay);
    const size = tf.mul(learningRate, inverseBiasCorrection(this.#beta1, step));
    return ({ value, gradient, state, decays }) => {
      const slope = this.#weightDecay > 0 && decays ? tf.add(gradient, tf.mul(value, decay)) : gradient;
      const first = tf.add(tf.mul(state.firstMoment, beta1), tf.mul(slope, rest));
      const norm = tf.maximum(tf.mul(state.infinityNorm, beta2), tf.add(tf.abs(slope), epsilon));
      state.firstMoment.assign(first);
      state.infinityNorm.assign(norm);
      value.assign(tf.sub(value, tf.mul(tf.div(first, norm), size)));
    };
  }
}

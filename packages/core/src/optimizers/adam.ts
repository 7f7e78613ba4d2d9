import { tf } from '@milestones/backend';
import { inverseBiasCorrection } from './bias-correction.ts';
import { decayRate, nonNegative } from '../hyperparameters.ts';
import { Optimizer, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

/** Options of {@link Adam}; the defaults are the paper's. */
export interface AdamOptions extends WeightDecayOptions {
  /** β₁, decay of the first moment. Default 0.9. */
  beta1?: number;
  /** β₂, decay of the second moment. Default 0.999. */
  beta2?: number;
  /** ε, added to the root of the corrected second moment. Default 1e-8. */
  epsilon?: number;
  /** Whether the moments are corrected for starting at zero. Default true; BERT's original optimizer did without. */
  biasCorrection?: boolean;
}

/** What Adam keeps for each parameter. */
export type AdamSlot = 'firstMoment' | 'secondMoment';

/**
 * Adam. Kingma and Ba 2014, Algorithm 1.
 *
 *     m ← β₁ m + (1 − β₁) g          m̂ = m / (1 − β₁ᵗ)
 *     v ← β₂ v + (1 − β₂) g²         v̂ = v / (1 − β₂ᵗ)
 *     θ ← θ − α · m̂ / (√v̂ + ε)
 *
 * ε is added outside the root and after the bias correction, as in Algorithm 1 and in PyTorch. (The rearranged form at
 * the end of the paper's section 2, which TensorFlow follows, adds it before the correction: its ε̂ is ε · √(1 − β₂ᵗ).)
 * Both corrections are folded into two scalars per step, so that a parameter costs twelve tensor operations.
 *
 * `weightDecay` here is L2 regularisation: g ← g + λ θ, before the moments. {@link AdamW} decouples it.
 */
export class Adam extends Optimizer<AdamSlot> {
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #epsilon: number;
  readonly #biasCorrection: boolean;
  readonly #weightDecay: number;
  readonly #decoupled: boolean;

  /** @throws when an option is outside its range */
  constructor(
    options: AdamOptions = {},
    variant: { name: string; decoupled: boolean } = { name: 'adam', decoupled: false },
  ) {
    super(variant.name, { firstMoment: 0, secondMoment: 0 }, options.decay);
    this.#beta1 = decayRate(this.name, 'beta1', options.beta1 ?? 0.9);
    this.#beta2 = decayRate(this.name, 'beta2', options.beta2 ?? 0.999);
    this.#epsilon = nonNegative(this.name, 'epsilon', options.epsilon ?? 1e-8);
    this.#weightDecay = nonNegative(this.name, 'weightDecay', options.weightDecay ?? 0);
    this.#biasCorrection = options.biasCorrection ?? true;
    this.#decoupled = variant.decoupled;
  }

  protected override rule(learningRate: tf.Scalar, step: tf.Scalar): UpdateRule<AdamSlot> {
    const beta1 = tf.scalar(this.#beta1);
    const beta2 = tf.scalar(this.#beta2);
    const rest1 = tf.scalar(1 - this.#beta1); // 1 − β in double precision, then rounded once.
    const rest2 = tf.scalar(1 - this.#beta2);
    const decays = this.#weightDecay > 0;
    const decay = tf.scalar(this.#weightDecay);
    const kept = decays && this.#decoupled ? tf.sub(1, tf.mul(learningRate, decay)) : undefined; // 1 − α λ

    // α m̂ / (√v̂ + ε) = (α √c₂ / c₁) · m / (√v + ε √c₂)   with c = 1 − βᵗ
    let size: tf.Tensor = learningRate;
    let epsilon: tf.Tensor = tf.scalar(this.#epsilon);
    if (this.#biasCorrection) {
      const root = tf.rsqrt(inverseBiasCorrection(this.#beta2, step)); // √c₂
      size = tf.mul(tf.mul(learningRate, inverseBiasCorrection(this.#beta1, step)), root);
      epsilon = tf.mul(epsilon, root);
    }

    return ({ value, gradient, state, decays: mask }) => {
      let slope = gradient;
      let start: tf.Tensor = value;
      if (decays && mask) {
        if (kept === undefined) slope = tf.add(gradient, tf.mul(value, decay));
        else start = tf.mul(value, kept);
      }
      const first = tf.add(tf.mul(state.firstMoment, beta1), tf.mul(slope, rest1));
      const second = tf.add(tf.mul(state.secondMoment, beta2), tf.mul(tf.square(slope), rest2));
      state.firstMoment.assign(first);
      state.secondMoment.assign(second);
      const direction = tf.div(first, tf.add(tf.sqrt(second), epsilon));
      value.assign(tf.sub(start, tf.mul(direction, size)));
    };
  }
}

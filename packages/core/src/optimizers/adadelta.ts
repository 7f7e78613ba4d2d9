import { tf } from '@milestones/backend';
import { decayRate, nonNegative } from '../hyperparameters.ts';
import { Optimizer, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

/** Options of {@link Adadelta}; the defaults are PyTorch's. */
export interface AdadeltaOptions extends WeightDecayOptions {
  /** ρ, decay of the moving averages. Default 0.9; the paper's experiments use 0.95. */
  smoothing?: number;
  /** ε, inside both roots. Default 1e-6. */
  epsilon?: number;
}

/** What Adadelta keeps for each parameter. */
export type AdadeltaSlot = 'meanSquare' | 'meanSquareStep';

/**
 * Adadelta: steps measured in the parameter's own units. Zeiler 2012, Algorithm 1.
 *
 *     n ← ρ n + (1 − ρ) g²
 *     d = g · √(u + ε) / √(n + ε)
 *     u ← ρ u + (1 − ρ) d²
 *     θ ← θ − α d
 *
 * ε is inside both roots. The paper has no learning rate: α = 1. `weightDecay` is L2 regularisation: g ← g + λ θ.
 */
export class Adadelta extends Optimizer<AdadeltaSlot> {
  readonly #smoothing: number;
  readonly #epsilon: number;
  readonly #weightDecay: number;

  /** @throws when an option is outside its range */
  constructor(options: AdadeltaOptions = {}) {
    super('adadelta', { meanSquare: 0, meanSquareStep: 0 }, options.decay);
    this.#smoothing = decayRate(this.name, 'smoothing', options.smoothing ?? 0.9);
    this.#epsilon = nonNegative(this.name, 'epsilon', options.epsilon ?? 1e-6);
    this.#weightDecay = nonNegative(this.name, 'weightDecay', options.weightDecay ?? 0);
  }

  protected override rule(learningRate: tf.Scalar): UpdateRule<AdadeltaSlot> {
    const smoothing = tf.scalar(this.#smoothing);
    const rest = tf.scalar(1 - this.#smoothing);
    const epsilon = tf.scalar(this.#epsilon);
    const decay = tf.scalar(this.#weightDecay);
    return ({ value, gradient, state, decays }) => {
      const slope = this.#weightDecay > 0 && decays ? tf.add(gradient, tf.mul(value, decay)) : gradient;
      const meanSquare = tf.add(tf.mul(state.meanSquare, smoothing), tf.mul(tf.square(slope), rest));
      state.meanSquare.assign(meanSquare);
      const scale = tf.sqrt(tf.div(tf.add(state.meanSquareStep, epsilon), tf.add(meanSquare, epsilon)));
      const step = tf.mul(slope, scale);
      state.meanSquareStep.assign(tf.add(tf.mul(state.meanSquareStep, smoothing), tf.mul(tf.square(step), rest)));
      value.assign(tf.sub(value, tf.mul(step, learningRate)));
    };
  }
}

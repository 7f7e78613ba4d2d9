import { tf } from '@milestones/backend';
import { decayRate, nonNegative } from '../hyperparameters.ts';
import { Optimizer, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

/** Options of {@link RMSProp}; the defaults are PyTorch's. */
export interface RMSPropOptions extends WeightDecayOptions {
  /** ρ, decay of the moving averages. Default 0.99. */
  smoothing?: number;
  /** ε, added to the root, or inside it with `epsilonInsideRoot`. Default 1e-8. */
  epsilon?: number;
  /** Whether ε stands inside the root. Default false. */
  epsilonInsideRoot?: boolean;
  /** Whether the mean gradient is subtracted: divide by the standard deviation, not the root mean square. Default false. */
  centred?: boolean;
  /** Momentum on the scaled gradient. Default 0. */
  momentum?: number;
}

/** What RMSProp can keep for each parameter; it keeps no more than its options need. */
export type RMSPropSlot = 'meanSquare' | 'meanGradient' | 'velocity';

/**
 * RMSProp. Tieleman and Hinton 2012, lecture 6e; centred: Graves 2013, section 4.2, equations 38 to 40.
 *
 *     n ← ρ n + (1 − ρ) g²
 *     m ← ρ m + (1 − ρ) g                   centred only, else m = 0
 *     d = g / (√(n − m²) + ε)               or g / √(n − m² + ε) with epsilonInsideRoot
 *     b ← μ b + d                           θ ← θ − α b
 *
 * PyTorch adds ε outside the root, the default here; Graves, and DeepMind's deep Q-network after him, inside. The two are
 * far apart for small gradients: with ε = 0.01 the floor of the divisor is 0.01 outside and 0.1 inside.
 * `weightDecay` is L2 regularisation: g ← g + λ θ.
 */
export class RMSProp extends Optimizer<RMSPropSlot> {
  readonly #smoothing: number;
  readonly #epsilon: number;
  readonly #epsilonInsideRoot: boolean;
  readonly #centred: boolean;
  readonly #momentum: number;
  readonly #weightDecay: number;

  /** @throws when an option is outside its range */
  constructor(options: RMSPropOptions = {}) {
    const momentum = decayRate('rmsprop', 'momentum', options.momentum ?? 0);
    const slots = {
      meanSquare: 0,
      ...(options.centred === true ? { meanGradient: 0 } : {}),
      ...(momentum > 0 ? { velocity: 0 } : {}),
    };
    super('rmsprop', slots as Record<RMSPropSlot, number>, options.decay);
    this.#momentum = momentum;
    this.#centred = options.centred ?? false;
    this.#epsilonInsideRoot = options.epsilonInsideRoot ?? false;
    this.#smoothing = decayRate(this.name, 'smoothing', options.smoothing ?? 0.99);
    this.#epsilon = nonNegative(this.name, 'epsilon', options.epsilon ?? 1e-8);
    this.#weightDecay = nonNegative(this.name, 'weightDecay', options.weightDecay ?? 0);
  }

  protected override rule(learningRate: tf.Scalar): UpdateRule<RMSPropSlot> {
    const smoothing = tf.scalar(this.#smoothing);
    const rest = tf.scalar(1 - this.#smoothing);
    const epsilon = tf.scalar(this.#epsilon);
    const momentum = tf.scalar(this.#momentum);
    const decay = tf.scalar(this.#weightDecay);
    return ({ value, gradient, state, decays }) => {
      const slope = this.#weightDecay > 0 && decays ? tf.add(gradient, tf.mul(value, decay)) : gradient;
      const meanSquare = tf.add(tf.mul(state.meanSquare, smoothing), tf.mul(tf.square(slope), rest));
      state.meanSquare.assign(meanSquare);
      let spread: tf.Tensor = meanSquare;
      if (this.#centred) {
        const mean = tf.add(tf.mul(state.meanGradient, smoothing), tf.mul(slope, rest));
        state.meanGradient.assign(mean);
        // For a constant gradient n and m² are equal but for rounding, and the root of −1e-9 would be NaN.
        spread = tf.relu(tf.sub(meanSquare, tf.square(mean)));
      }
      const root = this.#epsilonInsideRoot ? tf.sqrt(tf.add(spread, epsilon)) : tf.add(tf.sqrt(spread), epsilon);
      let direction: tf.Tensor = tf.div(slope, root);
      if (this.#momentum > 0) {
        direction = tf.add(tf.mul(state.velocity, momentum), direction);
        state.velocity.assign(direction);
      }
      value.assign(tf.sub(value, tf.mul(direction, learningRate)));
    };
  }
}

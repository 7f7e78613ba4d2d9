import { tf } from '@milestones/backend';
import { nonNegative } from '../hyperparameters.ts';
import { Optimizer, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

/** Options of {@link Adagrad}; the defaults are PyTorch's. */
export interface AdagradOptions extends WeightDecayOptions {
  /** ε, added to the root. Default 1e-10. */
  epsilon?: number;
  /** Where the sum of squares starts. Default 0. */
  initialAccumulator?: number;
  /** η in α / (1 + (t − 1) η). Default 0. */
  learningRateDecay?: number;
}

/**
 * Adagrad: a learning rate per weight that shrinks with all the gradient the weight has seen. Duchi et al. 2011.
 *
 *     s ← s + g²
 *     θ ← θ − α g / (√s + ε)
 *
 * ε is added outside the root. `weightDecay` is L2 regularisation: g ← g + λ θ.
 */
export class Adagrad extends Optimizer<'squareSum'> {
  readonly #epsilon: number;
  readonly #learningRateDecay: number;
  readonly #weightDecay: number;

  /** @throws when an option is outside its range */
  constructor(options: AdagradOptions = {}) {
    const initial = nonNegative('adagrad', 'initialAccumulator', options.initialAccumulator ?? 0);
    super('adagrad', { squareSum: initial }, options.decay);
    this.#epsilon = nonNegative(this.name, 'epsilon', options.epsilon ?? 1e-10);
    this.#learningRateDecay = nonNegative(this.name, 'learningRateDecay', options.learningRateDecay ?? 0);
    this.#weightDecay = nonNegative(this.name, 'weightDecay', options.weightDecay ?? 0);
  }

  protected override rule(learningRate: tf.Scalar, step: tf.Scalar): UpdateRule<'squareSum'> {
    const epsilon = tf.scalar(this.#epsilon);
    const decay = tf.scalar(this.#weightDecay);
    const size =
      this.#learningRateDecay === 0
        ? learningRate
        : tf.div(learningRate, tf.add(tf.mul(tf.sub(step, 1), this.#learningRateDecay), 1));
    return ({ value, gradient, state, decays }) => {
      const slope = this.#weightDecay > 0 && decays ? tf.add(gradient, tf.mul(value, decay)) : gradient;
      const squareSum = tf.add(state.squareSum, tf.square(slope));
      state.squareSum.assign(squareSum);
      value.assign(tf.sub(value, tf.mul(tf.div(slope, tf.add(tf.sqrt(squareSum), epsilon)), size)));
    };
  }
}

import { hasKernel, runKernel, tf } from '@milestones/backend';
import { inverseBiasCorrection } from './bias-correction.ts';
import { decayRate, nonNegative } from '../hyperparameters.ts';
import { Optimizer, type Updated, type UpdateRule, type WeightDecayOptions } from './optimizer.ts';

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

/**
 * The kernel that an engine may have for the update of many parameters at once: inputs `value0`, `gradient0`, `first0`,
 * `second0`, `value1`, … and the scalars `size`, `epsilon` and (optional) `kept`; attributes `count`, `beta1`, `beta2` and
 * `decay`; outputs all values, then all first moments, then all second moments. With g ← g + decay · θ and the moments m, v
 * of g it computes θ ← kept · θ − size · m / (√v + epsilon).
 */
const ADAM_KERNEL = 'MilestonesAdam';

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
    const kept = decays && this.#decoupled ? this.#kept(learningRate) : undefined;
    const { size, epsilon } = this.#scale(learningRate, step);

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

  // Most parameters are small, and a step spends more time on starting their operations than on computing them.
  protected override updateAll(
    parameters: readonly Updated<AdamSlot>[],
    learningRate: tf.Scalar,
    step: tf.Scalar,
  ): void {
    if (!hasKernel(ADAM_KERNEL)) {
      super.updateAll(parameters, learningRate, step);
      return;
    }
    const scale = this.#scale(learningRate, step);
    const decays = this.#weightDecay > 0;
    this.#updateTogether(
      parameters.filter((parameter) => !(decays && parameter.decays)),
      scale,
      { decay: 0 },
    );
    this.#updateTogether(
      parameters.filter((parameter) => decays && parameter.decays),
      this.#decoupled ? { ...scale, kept: this.#kept(learningRate) } : scale,
      { decay: this.#decoupled ? 0 : this.#weightDecay },
    );
  }

  #updateTogether(
    parameters: readonly Updated<AdamSlot>[],
    scalars: Readonly<Record<string, tf.Tensor>>,
    { decay }: { decay: number },
  ): void {
    if (parameters.length === 0) return;
    const inputs: Record<string, tf.Tensor> = { ...scalars };
    parameters.forEach(({ value, gradient, state }, index) => {
      inputs[`value${index}`] = value;
      inputs[`gradient${index}`] = gradient;
      inputs[`first${index}`] = state.firstMoment;
      inputs[`second${index}`] = state.secondMoment;
    });
    const count = parameters.length;
    const outputs = runKernel(ADAM_KERNEL, inputs, { count, beta1: this.#beta1, beta2: this.#beta2, decay });
    parameters.forEach(({ value, state }, index) => {
      value.assign(outputs[index]!);
      state.firstMoment.assign(outputs[count + index]!);
      state.secondMoment.assign(outputs[2 * count + index]!);
    });
  }

  /** Both bias corrections as scalars: α m̂ / (√v̂ + ε) = (α √c₂ / c₁) · m / (√v + ε √c₂), with c = 1 − βᵗ. */
  #scale(learningRate: tf.Scalar, step: tf.Scalar): { size: tf.Tensor; epsilon: tf.Tensor } {
    const epsilon = tf.scalar(this.#epsilon);
    if (!this.#biasCorrection) return { size: learningRate, epsilon };
    const root = tf.rsqrt(inverseBiasCorrection(this.#beta2, step)); // √c₂
    const size = tf.mul(tf.mul(learningRate, inverseBiasCorrection(this.#beta1, step)), root);
    return { size, epsilon: tf.mul(epsilon, root) };
  }

  /** 1 − α λ, what decoupled decay leaves of a weight. */
  #kept(learningRate: tf.Scalar): tf.Tensor {
    return tf.sub(1, tf.mul(learningRate, tf.scalar(this.#weightDecay)));
  }
}

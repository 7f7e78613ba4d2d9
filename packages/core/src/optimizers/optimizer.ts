/**
 * What all optimizers share: state keyed by parameter name, a step count that is a variable, and strict saving and
 * loading. Each optimizer adds its formula.
 *
 * State is found by name and never by position: a layer that is frozen half-way, or two optimizers over one model (as in
 * a GAN), then cannot shift one parameter's moments onto another.
 */
import { tf } from '@milestones/backend';
import type { Parameter } from '../parameter.ts';

/** Whether weight decay pulls at this parameter. */
export type DecayMask = (name: string, parameter: Parameter) => boolean;

/** A decay mask that spares biases and normalisation gains: only weights of rank 2 and more decay. */
export const decayMatrices: DecayMask = (_name, parameter) => parameter.shape.length >= 2;

/** Weight decay as an option. */
export interface WeightDecayOptions {
  /** Strength of the decay; 0 (the default) switches it off. */
  weightDecay?: number;
  /** Which parameters decay; default: all. See {@link decayMatrices}. */
  decay?: DecayMask;
}

/** One parameter inside an update: its value, its gradient and what the optimizer remembers about it. */
export interface Updated<Slot extends string> {
  readonly value: tf.Variable;
  readonly gradient: tf.Tensor;
  readonly state: Readonly<Record<Slot, tf.Variable>>;
  readonly decays: boolean;
}

/** Applies one update to one parameter, by assigning to `value` and to the state. */
export type UpdateRule<Slot extends string> = (updated: Updated<Slot>) => void;

/**
 * Base of all optimizers.
 *
 * `update` is a pure tensor step: no value is read, and no JavaScript number in it depends on the step, so that an engine
 * can record it once and replay it.
 */
export abstract class Optimizer<Slot extends string = string> {
  /** The optimizer's name in messages and in the names of its state, such as `adam`. */
  readonly name: string;
  readonly #slots: Readonly<Record<Slot, number>>;
  readonly #decay: DecayMask;
  #state: Map<string, { slots: Record<Slot, tf.Variable>; shape: readonly number[]; decays: boolean }> | undefined;
  #step: tf.Variable | undefined;

  /**
   * @param name prefix of the state's names
   * @param slots what is kept for each parameter, in the parameter's shape, and its initial value
   * @param decay which parameters decay
   */
  protected constructor(name: string, slots: Readonly<Record<Slot, number>>, decay: DecayMask = () => true) {
    this.name = name;
    this.#slots = slots;
    this.#decay = decay;
  }

  /**
   * The formula. Called once per update, inside `tf.tidy`: computes the scalars that all parameters share and returns
   * the rule for one parameter.
   *
   * @param learningRate a scalar tensor
   * @param step the number of this update as a float32 scalar; the first is 1
   */
  protected abstract rule(learningRate: tf.Scalar, step: tf.Scalar): UpdateRule<Slot>;

  /**
   * Updates all parameters of one call, inside `tf.tidy`. One after the other, unless an optimizer knows how its engine
   * does them together.
   */
  protected updateAll(parameters: readonly Updated<Slot>[], learningRate: tf.Scalar, step: tf.Scalar): void {
    const apply = this.rule(learningRate, step);
    for (const parameter of parameters) apply(parameter);
  }

  /**
   * Creates the state for `parameters` and sets the step count to 0. Parameters that are not trainable are passed over.
   * Calling it again starts anew.
   */
  initialize(parameters: ReadonlyMap<string, Parameter>): this {
    this.dispose();
    this.#step = tf.tidy(() => tf.variable(tf.scalar(0), false));
    this.#state = new Map();
    for (const [name, parameter] of parameters) {
      if (!parameter.trainable) continue;
      const shape = [...parameter.shape];
      const slots = {} as Record<Slot, tf.Variable>;
      for (const slot of Object.keys(this.#slots) as Slot[]) {
        slots[slot] = tf.tidy(() => tf.variable(tf.fill(shape, this.#slots[slot]), false));
      }
      this.#state.set(name, { slots, shape: parameter.shape, decays: this.#decay(name, parameter) });
    }
    return this;
  }

  /**
   * Changes every trainable parameter in `parameters` by one step. They may be fewer than were initialized: the others,
   * and their state, stay as they are.
   *
   * @param gradients one gradient per parameter, under the parameter's name
   * @param learningRate a scalar tensor, or a number; inside a compiled step only a tensor can change from step to step
   */
  update(
    parameters: ReadonlyMap<string, Parameter>,
    gradients: Readonly<Record<string, tf.Tensor>>,
    learningRate: tf.Scalar | number,
  ): void {
    const state = this.#state;
    const step = this.#step;
    if (state === undefined || step === undefined) throw this.#uninitialized('update');
    this.#check(parameters, gradients, learningRate);
    tf.tidy(() => {
      step.assign(tf.add(step, 1));
      const rate = typeof learningRate === 'number' ? tf.scalar(learningRate) : learningRate;
      const updated: Updated<Slot>[] = [];
      for (const [name, parameter] of parameters) {
        const entry = state.get(name);
        const gradient = gradients[name];
        if (entry === undefined || gradient === undefined) continue; // Not trainable: #check refused all else.
        updated.push({ value: parameter.value, gradient, state: entry.slots, decays: entry.decays });
      }
      this.updateAll(updated, rate, step as unknown as tf.Scalar);
    });
  }

  /** The live state: `<optimizer>.<slot>.<parameter>` and `<optimizer>.step`. Clone to keep a copy. */
  stateDict(): Record<string, tf.Variable> {
    if (this.#state === undefined || this.#step === undefined) throw this.#uninitialized('stateDict');
    const record: Record<string, tf.Variable> = { [`${this.name}.step`]: this.#step };
    for (const slot of Object.keys(this.#slots) as Slot[]) {
      for (const [name, entry] of this.#state) record[`${this.name}.${slot}.${name}`] = entry.slots[slot];
    }
    return record;
  }

  /**
   * Copies a saved state into this one. Nothing is changed unless everything fits; the caller keeps the tensors.
   *
   * @throws when something is missing, unexpected or of another shape; the message names it
   */
  loadStateDict(record: Readonly<Record<string, tf.Tensor>>): void {
    if (this.#state === undefined) throw this.#uninitialized('loadStateDict');
    const own = this.stateDict();
    const missing = Object.keys(own).filter((name) => record[name] === undefined);
    const unexpected = Object.keys(record).filter((name) => own[name] === undefined);
    const misshapen = Object.entries(own).flatMap(([name, variable]) => {
      const arrived = record[name];
      if (arrived === undefined || sameShape(arrived.shape, variable.shape)) return [];
      return [`${name} is [${arrived.shape.join(', ')}] and should be [${variable.shape.join(', ')}]`];
    });
    const problems = [
      ...(missing.length === 0 ? [] : [`missing: ${listed(missing)}`]),
      ...(unexpected.length === 0 ? [] : [`unexpected: ${listed(unexpected)}`]),
      ...(misshapen.length === 0 ? [] : [`of another shape: ${listed(misshapen)}`]),
    ];
    if (problems.length > 0) {
      throw new Error(
        `${this.name}: the saved state does not fit (${problems.join('; ')}); nothing was loaded. ` +
          'Build the same optimizer over the same parameters that the state was saved with.',
      );
    }
    for (const [name, variable] of Object.entries(own)) {
      tf.tidy(() => variable.assign(tf.cast(tf.clone(record[name] as tf.Tensor), 'float32')));
    }
  }

  /** Frees the state; `initialize` makes a new one. */
  dispose(): void {
    this.#step?.dispose();
    for (const entry of this.#state?.values() ?? []) {
      for (const variable of Object.values<tf.Variable>(entry.slots)) variable.dispose();
    }
    this.#step = undefined;
    this.#state = undefined;
  }

  #check(
    parameters: ReadonlyMap<string, Parameter>,
    gradients: Readonly<Record<string, tf.Tensor>>,
    learningRate: tf.Scalar | number,
  ): void {
    if (typeof learningRate === 'number') {
      if (!Number.isFinite(learningRate) || learningRate < 0) {
        throw new Error(`${this.name}: the learning rate ${learningRate} arrived; give a finite number of at least 0.`);
      }
    } else if (learningRate.rank !== 0) {
      throw new Error(
        `${this.name}: a learning rate of shape [${learningRate.shape.join(', ')}] arrived; give a scalar tensor.`,
      );
    }
    const missing: string[] = [];
    for (const [name, parameter] of parameters) {
      if (!parameter.trainable) continue;
      const entry = this.#state?.get(name);
      if (entry === undefined) {
        throw new Error(
          `${this.name}: no state for the parameter ${name}; pass it to initialize before the first update.`,
        );
      }
      const gradient = gradients[name];
      if (gradient === undefined) {
        missing.push(name);
      } else if (!sameShape(gradient.shape, entry.shape)) {
        throw new Error(
          `${this.name}: the gradient of ${name} has the shape [${gradient.shape.join(', ')}] and the parameter ` +
            `[${entry.shape.join(', ')}]; a gradient has its parameter's shape.`,
        );
      }
    }
    if (missing.length > 0) {
      throw new Error(
        `${this.name}: no gradient arrived for ${listed(missing)}; give one for every trainable parameter, or leave the ` +
          'parameter out of this update.',
      );
    }
    const unknown = Object.keys(gradients).filter((name) => !parameters.get(name)?.trainable);
    if (unknown.length > 0) {
      throw new Error(
        `${this.name}: gradients arrived for ${listed(unknown)}, not among the trainable parameters of this update; ` +
          'pass the parameters that the gradients were computed for.',
      );
    }
  }

  #uninitialized(method: string): Error {
    return new Error(`${this.name}: ${method} was called before initialize; call initialize(parameters) first.`);
  }
}

function sameShape(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((size, axis) => size === right[axis]);
}

/** At most eight names, then a count. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}

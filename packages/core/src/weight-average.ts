import { tf } from '@milestones/backend';
import type { Parameter } from './parameter.ts';

/** Options of {@link WeightAverage}. */
export interface WeightAverageOptions {
  /**
   * Given, the average is exponential: what share of it an update keeps, 0 to 1, such as 0.999. Left out, all updates
   * count the same.
   */
  decay?: number;
}

/**
 * An average of a model's weights over training, which often tests better than the last ones.
 *
 *     exponential (`decay` d)   a ← d · a + (1 − d) · θ, from the values at `initialize` on
 *     equal weights             a ← a + (θ − a) / n at the n-th update: the mean of what `update` saw
 *
 * Polyak and Juditsky 1992; with equal weights, updates after each epoch and a constant or cyclic learning rate it is
 * stochastic weight averaging (Izmailov et al. 2018).
 *
 * `update` is a pure tensor function and can be part of a compiled step. To test, call `swapIn`, and `swapOut` before
 * training goes on. Running statistics of batch norm are averaged as well if they are among the parameters
 * (`model.namedParameters()`); with equal weights over far apart weights, compute them anew instead, by a pass over
 * training data.
 */
export class WeightAverage {
  readonly decay: number | undefined;
  #averages: Map<string, tf.Variable> | undefined;
  #count: tf.Variable | undefined;
  #swapped: ReadonlyMap<string, Parameter> | undefined;

  constructor(options: WeightAverageOptions = {}) {
    const { decay } = options;
    if (decay !== undefined && !(decay >= 0 && decay <= 1)) {
      throw new Error(`WeightAverage: the decay ${decay} arrived; give a number from 0 to 1, or none.`);
    }
    this.decay = decay;
  }

  /** Takes the present values as the average, and sets the count of updates to 0. Calling it again starts anew. */
  initialize(parameters: ReadonlyMap<string, Parameter>): this {
    this.dispose();
    this.#averages = new Map(
      Array.from(parameters, ([name, { value }]) => [name, tf.tidy(() => tf.variable(tf.clone(value), false))]),
    );
    this.#count = tf.tidy(() => tf.variable(tf.scalar(0), false));
    return this;
  }

  /** Lets the present values of `parameters` into the average. They may be fewer than were initialized. */
  update(parameters: ReadonlyMap<string, Parameter>): void {
    const { averages, count } = this.#state('update');
    if (this.#swapped !== undefined) {
      throw new Error('WeightAverage: the model holds the averages themselves; call swapOut before update.');
    }
    tf.tidy(() => {
      count.assign(tf.add(count, 1));
      const share = this.decay === undefined ? tf.div(1, count) : 1 - this.decay;
      for (const [name, { value }] of parameters) {
        const average = averages.get(name);
        if (average === undefined) throw unknown(name);
        average.assign(tf.add(average, tf.mul(tf.sub(value, average), share)));
      }
    });
  }

  /** Puts the averages into `parameters`, and keeps what was there for {@link swapOut}. */
  swapIn(parameters: ReadonlyMap<string, Parameter>): void {
    this.#state('swapIn');
    if (this.#swapped !== undefined) {
      throw new Error('WeightAverage: the averages are in the model already; call swapOut first.');
    }
    this.#exchange(parameters);
    this.#swapped = new Map(parameters);
  }

  /** Puts the trained values back. */
  swapOut(): void {
    const parameters = this.#swapped;
    if (parameters === undefined) {
      throw new Error('WeightAverage: the averages are not in the model; call swapIn first.');
    }
    this.#exchange(parameters);
    this.#swapped = undefined;
  }

  /** The live state, for a checkpoint: `average.value.<parameter>` and `average.count`. Clone to keep a copy. */
  stateDict(): Record<string, tf.Variable> {
    const { averages, count } = this.#state('stateDict');
    if (this.#swapped !== undefined) {
      throw new Error('WeightAverage: the averages are in the model; call swapOut before stateDict.');
    }
    const values = Array.from(averages, ([name, variable]) => [`average.value.${name}`, variable] as const);
    return { 'average.count': count, ...Object.fromEntries(values) };
  }

  /**
   * Copies a saved state into this one; the caller keeps the tensors. Nothing is changed unless everything fits.
   *
   * @throws when something is missing, unexpected or of another shape
   */
  loadStateDict(record: Readonly<Record<string, tf.Tensor>>): void {
    const own = this.stateDict();
    const names = new Set([...Object.keys(own), ...Object.keys(record)]);
    const misfits = [...names].filter((name) => own[name]?.shape.join() !== record[name]?.shape.join());
    if (misfits.length > 0) {
      const shown = misfits.slice(0, 8).join(', ');
      throw new Error(
        `WeightAverage: the saved state does not fit: ${shown}${misfits.length > 8 ? ', …' : ''} (missing, unexpected or ` +
          'of another shape); nothing was loaded. Initialize with the parameters that the state was saved with.',
      );
    }
    for (const [name, variable] of Object.entries(own)) {
      tf.tidy(() => variable.assign(tf.clone(record[name] as tf.Tensor)));
    }
  }

  /** Frees the averages; a model that holds them keeps them. */
  dispose(): void {
    for (const variable of this.#averages?.values() ?? []) variable.dispose();
    this.#count?.dispose();
    this.#averages = undefined;
    this.#count = undefined;
    this.#swapped = undefined;
  }

  #exchange(parameters: ReadonlyMap<string, Parameter>): void {
    const { averages } = this.#state('swapIn');
    for (const name of parameters.keys()) if (!averages.has(name)) throw unknown(name);
    for (const [name, parameter] of parameters) {
      const average = averages.get(name)!;
      tf.tidy(() => {
        const kept = tf.clone(parameter.value);
        parameter.assign(average);
        average.assign(kept);
      });
    }
  }

  #state(call: string): { averages: Map<string, tf.Variable>; count: tf.Variable } {
    if (this.#averages === undefined || this.#count === undefined) {
      throw new Error(`WeightAverage: ${call} came before initialize; call initialize(parameters) first.`);
    }
    return { averages: this.#averages, count: this.#count };
  }
}

function unknown(name: string): Error {
  return new Error(`WeightAverage: no average for the parameter ${name}; pass it to initialize before.`);
}

/**
 * A named weight of a model. A parameter is declared with its shape and initializer and holds no memory until
 * `initialize`, so that the parameters of a 1.5-billion-weight network can be counted on a laptop.
 */
import { tf } from '@milestones/backend';
import type { Initializer } from './initializers.ts';
import type { Random } from './random/random.ts';

/** What a parameter is besides its shape and initializer. */
export interface ParameterOptions {
  /** False for state that training must not touch by gradient, such as running statistics. Default true. */
  trainable?: boolean;
}

/** One weight tensor (or buffer) of a module; see the file's head. */
export class Parameter {
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  readonly trainable: boolean;
  #variable: tf.Variable | undefined;

  constructor(shape: readonly number[], initializer: Initializer, options: ParameterOptions = {}) {
    for (const size of shape) {
      if (!Number.isInteger(size) || size < 1) {
        throw new Error(
          `Parameter: shape [${shape.join(', ')}] has the size ${size}; every size is a whole number of at least 1.`,
        );
      }
    }
    this.shape = shape;
    this.initializer = initializer;
    this.trainable = options.trainable ?? true;
  }

  /** Number of values: the product of the shape. */
  get size(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Whether the parameter holds values yet. */
  get initialized(): boolean {
    return this.#variable !== undefined;
  }

  /** The live tfjs variable. Throws before the parameter was initialized or loaded. */
  get value(): tf.Variable {
    if (this.#variable === undefined) {
      throw new Error(
        `Parameter: a weight of shape [${this.shape.join(', ')}] was read before it had values; ` +
          'call model.initialize(seed) or model.loadStateDict(weights) first.',
      );
    }
    return this.#variable;
  }

  /** Draws the initial values from `random`, or draws them anew. */
  initialize(random: Random): void {
    const values = this.initializer(this.shape, random);
    this.assign(values);
    values.dispose();
  }

  /** Copies `values` into the parameter; the shape must match. The caller keeps `values`. */
  assign(values: tf.Tensor): void {
    if (values.shape.length !== this.shape.length || values.shape.some((size, axis) => size !== this.shape[axis])) {
      throw new Error(
        `Parameter: values of shape [${values.shape.join(', ')}] arrived for a weight of shape [${this.shape.join(', ')}]; ` +
          'check that weights and configuration belong to the same model.',
      );
    }
    if (this.#variable === undefined) {
      this.#variable = tf.tidy(() => tf.variable(tf.clone(values), this.trainable));
    } else {
      const variable = this.#variable;
      tf.tidy(() => variable.assign(tf.clone(values)));
    }
  }

  /** Frees the memory; the parameter can be initialized again. */
  dispose(): void {
    this.#variable?.dispose();
    this.#variable = undefined;
  }
}

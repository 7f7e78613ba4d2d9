/**
 * Modules: objects that own parameters and other modules. A parameter's name is the path of properties that leads to it
 * (`blocks.3.attention.query.weight`), which makes the names of a saved model the names a reader finds in its code.
 */
import type { tf } from '@milestones/backend';
import { Parameter } from './parameter.ts';
import { Random } from './random/random.ts';

/** Base class of layers and models: finds parameters by walking the instance's own properties. */
export abstract class Module {
  #training = true;

  /** True in training mode (dropout drops, batch norm uses batch statistics); see {@link train} and {@link eval}. */
  get training(): boolean {
    return this.#training;
  }

  /** Puts this module and all below it in training mode. */
  train(): this {
    for (const module of modulesOf(this)) module.#training = true;
    return this;
  }

  /** Puts this module and all below it in evaluation mode. */
  eval(): this {
    for (const module of modulesOf(this)) module.#training = false;
    return this;
  }

  /**
   * All parameters and buffers by path, in the order of declaration. A parameter that is shared (tied weights) appears
   * once, under the first path that leads to it.
   */
  namedParameters(): Map<string, Parameter> {
    const found = new Map<string, Parameter>();
    const seen = new Set<unknown>();
    walk(this, '', (path, value) => {
      if (seen.has(value)) return false;
      seen.add(value);
      if (value instanceof Parameter) found.set(path, value);
      return true;
    });
    return found;
  }

  /** The parameters that gradients change: {@link namedParameters} without buffers. */
  trainableParameters(): Map<string, Parameter> {
    return new Map([...this.namedParameters()].filter(([, parameter]) => parameter.trainable));
  }

  /** Number of trainable weights, counted from the declared shapes; allocates nothing. */
  parameterCount(): number {
    let count = 0;
    for (const parameter of this.trainableParameters().values()) count += parameter.size;
    return count;
  }

  /**
   * Draws all initial values. Each parameter has a random stream of its own, named by its path, so that adding a layer
   * changes no other layer's values.
   *
   * @param seed a whole number; the same seed gives the same weights on every engine
   */
  initialize(seed: number): this {
    const random = new Random(seed, 'initialize');
    for (const [path, parameter] of this.namedParameters()) parameter.initialize(random.fork(path));
    return this;
  }

  /** The live variables by path, buffers included. They belong to the module: clone to keep a copy. */
  stateDict(): Record<string, tf.Variable> {
    return Object.fromEntries([...this.namedParameters()].map(([path, parameter]) => [path, parameter.value]));
  }

  /**
   * Copies `state` into the parameters, by path. Nothing is changed unless everything fits.
   *
   * @throws when a parameter is missing from `state`, `state` holds a tensor that the model lacks (unless
   * `strict: false`), or a shape differs; the message names every one of them
   */
  loadStateDict(state: Record<string, tf.Tensor>, options: { strict?: boolean } = {}): void {
    const parameters = this.namedParameters();
    const missing = [...parameters.keys()].filter((path) => state[path] === undefined);
    const unexpected = Object.keys(state).filter((path) => !parameters.has(path));
    const misshapen: string[] = [];
    for (const [path, parameter] of parameters) {
      const arrived = state[path];
      if (arrived !== undefined && arrived.shape.join() !== parameter.shape.join()) {
        misshapen.push(`${path} is [${arrived.shape.join(', ')}] and should be [${parameter.shape.join(', ')}]`);
      }
    }
    const problems = [
      ...(options.strict === false || missing.length === 0 ? [] : [`missing: ${listed(missing)}`]),
      ...(options.strict === false || unexpected.length === 0 ? [] : [`unexpected: ${listed(unexpected)}`]),
      ...(misshapen.length === 0 ? [] : [`of another shape: ${listed(misshapen)}`]),
    ];
    if (problems.length > 0) {
      throw new Error(
        `loadStateDict: the weights do not fit this model (${problems.join('; ')}); nothing was loaded. ` +
          'Build the model with the configuration that the weights were saved with.',
      );
    }
    for (const [path, parameter] of parameters) {
      const arrived = state[path];
      if (arrived !== undefined) parameter.assign(arrived);
    }
  }

  /** Frees every parameter of this module and of all below it. */
  dispose(): void {
    for (const parameter of this.namedParameters().values()) parameter.dispose();
  }
}

/** At most eight names, then a count: a wrong file must not print thousands of lines. */
function listed(names: string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}

/** Calls `visit` for each Parameter and Module below `owner`; descends into a module when `visit` returns true. */
function walk(owner: object, prefix: string, visit: (path: string, value: Parameter | Module) => boolean): void {
  for (const [key, value] of Object.entries(owner)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (value instanceof Parameter) {
      visit(path, value);
    } else if (value instanceof Module) {
      if (visit(path, value)) walk(value, path, visit);
    } else if (Array.isArray(value) && value.some((item) => item instanceof Module || item instanceof Parameter)) {
      walk(value, path, visit);
    }
  }
}

function modulesOf(root: Module): Module[] {
  const modules: Module[] = [root];
  const seen = new Set<unknown>([root]);
  walk(root, '', (_path, value) => {
    if (seen.has(value)) return false;
    seen.add(value);
    if (value instanceof Module) modules.push(value);
    return true;
  });
  return modules;
}

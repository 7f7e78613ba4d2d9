/**
 * Random numbers on the host, counter-based: every number is a pure function of (seed, stream, counter), computed by
 * Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). There is no hidden
 * state: two words and a counter, saved in a checkpoint, continue a run exactly.
 */
import { fillCounterRandom, tf, threefry2x32 } from '@milestones/backend';
import { drawBeta } from './beta.ts';
import { hashName } from './hash-name.ts';

/** All there is to know about a {@link Random}; plain JSON. */
export interface RandomState {
  /** The two 32-bit words of the key, derived from seed and stream names. */
  key: [number, number];
  /** How many draws were made. */
  counter: number;
}

// The second counter word tells the kinds of draws apart, so that no two of them ever share a counter.
const ARRAY_DRAWS = 0x8000_0000;
const STEP_KEYS = 0x4000_0000;

/** A stream of random numbers; see the file's head. */
export class Random {
  #key: readonly [number, number];
  #counter = 0;
  readonly #block = new Uint32Array(2);

  /**
   * @param seed a whole number, 0 to 2^53 − 1
   * @param stream what the numbers are for; different streams of one seed are independent
   */
  constructor(seed: number, stream = 'default') {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new Error(`Random: the seed ${seed} arrived; give a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
    }
    this.#key = derive([seed >>> 0, Math.floor(seed / 2 ** 32)], stream);
  }

  /** Continues where `state()` was taken. */
  static fromState(state: RandomState): Random {
    const { key, counter } = state ?? {};
    if (!Array.isArray(key) || key.length !== 2 || !key.every(Number.isInteger) || !Number.isSafeInteger(counter)) {
      throw new Error(
        `Random.fromState: ${JSON.stringify(state)} arrived; give what state() returned, { key: [a, b], counter }.`,
      );
    }
    const random = new Random(0);
    random.#key = [key[0] >>> 0, key[1] >>> 0];
    random.#counter = counter;
    return random;
  }

  /** The state after the draws so far, for a checkpoint. */
  state(): RandomState {
    return { key: [this.#key[0], this.#key[1]], counter: this.#counter };
  }

  /** An independent generator for `name`. It depends on this one's seed and stream, not on how many draws were made. */
  fork(name: string): Random {
    const random = new Random(0);
    random.#key = derive(this.#key, name);
    return random;
  }

  /** A number from [0, 1), uniform, with 53 random bits. */
  uniform(): number {
    const block = this.#next();
    return ((block[0]! >>> 5) * 2 ** 26 + (block[1]! >>> 6)) / 2 ** 53;
  }

  /** A number from the standard normal distribution (Box and Muller 1958, the cosine branch only). */
  normal(): number {
    const block = this.#next();
    // 1 − u keeps the logarithm away from zero.
    const radius = Math.sqrt(-2 * Math.log((block[0]! + 1) / 2 ** 32));
    return radius * Math.cos((2 * Math.PI * block[1]!) / 2 ** 32);
  }

  /**
   * A number from the beta distribution, 0 to 1, with density in proportion to x^(a − 1) · (1 − x)^(b − 1) and mean
   * a / (a + b). How many draws of the counter it takes depends on the numbers drawn.
   */
  beta(a: number, b: number): number {
    if (!(a > 0 && b > 0 && a < Infinity && b < Infinity)) {
      throw new Error(`Random.beta: a = ${a} and b = ${b} arrived; give two finite numbers above 0.`);
    }
    return drawBeta(this, a, b);
  }

  /** A whole number from 0 to `limit` − 1, uniform. */
  integer(limit: number): number {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new Error(`Random.integer: the limit ${limit} arrived; give a whole number of at least 1.`);
    }
    return Math.floor(this.uniform() * limit);
  }

  /** The numbers 0 to `count` − 1 in a random order (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const kept = order[last]!;
      order[last] = order[other]!;
      order[other] = kept;
    }
    return order;
  }

  /**
   * The index of one of `weights`, drawn in proportion to them; they need not sum to one.
   *
   * @throws when a weight is negative or not a number, or all are zero
   */
  categorical(weights: ArrayLike<number>): number {
    let total = 0;
    for (let index = 0; index < weights.length; index++) {
      const weight = weights[index]!;
      if (!(weight >= 0) || weight === Infinity) {
        throw new Error(
          `Random.categorical: weight ${index} is ${weight}; every weight is a finite number of at least 0.`,
        );
      }
      total += weight;
    }
    if (!(total > 0)) {
      throw new Error(
        `Random.categorical: ${weights.length} weights that sum to ${total}; at least one must be above 0.`,
      );
    }
    const target = this.uniform() * total;
    let sum = 0;
    let last = 0;
    for (let index = 0; index < weights.length; index++) {
      const weight = weights[index]!;
      if (weight === 0) continue;
      sum += weight;
      last = index;
      if (target < sum) return index;
    }
    // Rounding may leave target a hair above the last sum.
    return last;
  }

  /** `count` numbers from [0, 1), uniform, float32; one draw of the counter, far faster than single draws. */
  uniformArray(count: number): Float32Array {
    return this.#array(count, 'uniform');
  }

  /** `count` numbers from the standard normal distribution, float32; one draw of the counter. */
  normalArray(count: number): Float32Array {
    return this.#array(count, 'normal');
  }

  /**
   * The key tensor of one training step, for a {@link RandomKey} inside it: a function of this generator's key and of
   * `step` alone, so a resumed run drops out exactly what it would have.
   *
   * @param step a whole number, 0 to 2^32 − 1
   * @returns int32 tensor of shape [2], the caller's to dispose
   */
  keyAt(step: number): tf.Tensor1D {
    threefry2x32(this.#key[0], this.#key[1], step >>> 0, STEP_KEYS, this.#block);
    return tf.tensor1d(Int32Array.from(this.#block), 'int32');
  }

  #array(count: number, distribution: 'uniform' | 'normal'): Float32Array {
    const numbers = new Float32Array(count);
    fillCounterRandom(numbers, this.#key[0], this.#key[1], (ARRAY_DRAWS + this.#counter) >>> 0, distribution);
    this.#counter++;
    return numbers;
  }

  #next(): Uint32Array {
    const counter = this.#counter++;
    threefry2x32(this.#key[0], this.#key[1], counter >>> 0, Math.floor(counter / 2 ** 32), this.#block);
    return this.#block;
  }
}

function derive(key: readonly [number, number], name: string): [number, number] {
  const [first, second] = hashName(name);
  const block = new Uint32Array(2);
  threefry2x32(key[0], key[1], first, second, block);
  return [block[0]!, block[1]!];
}

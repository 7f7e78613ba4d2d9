/**
 * Multi-head attention. Vaswani et al. 2017, section 3.2.
 *
 * Dimensions: B batch, T query time, S key time, C features, N heads, D head size (C = N · D).
 */
import { tf } from '@milestones/backend';
import type { Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import type { RandomKey } from '../random/random-key.ts';
import { Dense } from './dense.ts';
import { Dropout } from './dropout.ts';
import { causalMask } from './masks.ts';

/** Options of {@link MultiHeadAttention}. */
export interface MultiHeadAttentionOptions {
  /** Width of input and output, a multiple of `heads`. */
  features: number;
  /** Number of heads. */
  heads: number;
  /** Whether position t sees only positions up to t. Default false. */
  causal?: boolean;
  /** Whether query, key and value have biases. Default true. */
  bias?: boolean;
  /** Whether the output projection has a bias. Default true. */
  outputBias?: boolean;
  /** What the scores are multiplied with. Default 1/√D, the paper's. */
  scale?: number;
  /** Dropout rate of the attention weights. Default 0. */
  dropout?: number;
  /** Of query, key and value weights; default that of {@link Dense}. */
  weightInitializer?: Initializer;
  /** Of the output projection's weight; default that of {@link Dense}. */
  outputInitializer?: Initializer;
  /** Of all biases; default that of {@link Dense}. */
  biasInitializer?: Initializer;
}

/** Keys and values of the positions that were already seen, so that generating a token costs one position, not all. */
export interface KeyValueCache {
  /** [B, N, S, D] */
  keys: tf.Tensor | undefined;
  /** [B, N, S, D] */
  values: tf.Tensor | undefined;
}

/** Arguments of {@link MultiHeadAttention.forward} besides the queries. */
export interface AttentionCall {
  /** What is attended to, [B, S, C]; default the queries' own input (self-attention). */
  memory?: tf.Tensor;
  /** Added to the scores, broadcast to [B, N, T, S]; 0 where attention is allowed, a large negative number elsewhere. */
  mask?: tf.Tensor;
  /** Noise for dropout, needed in training mode. */
  key?: RandomKey;
  /** Earlier keys and values; replaced by the extended ones, whose predecessors are disposed. */
  cache?: KeyValueCache;
}

/** Multi-head attention with projections `query`, `key`, `value` and `output`; see the file's head. */
export class MultiHeadAttention extends Module {
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  readonly output: Dense;
  readonly dropout: Dropout;
  readonly features: number;
  readonly heads: number;
  readonly causal: boolean;
  readonly scale: number;

  constructor(options: MultiHeadAttentionOptions) {
    super();
    const { features, heads } = options;
    if (!Number.isInteger(heads) || heads < 1 || features % heads !== 0) {
      const below = Math.floor(features / heads) * heads;
      throw new Error(
        `attention: ${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ` +
          `${below > 0 ? `${below} or ` : ''}${below + heads}.`,
      );
    }
    this.features = features;
    this.heads = heads;
    this.causal = options.causal ?? false;
    this.scale = options.scale ?? 1 / Math.sqrt(features / heads);
    const projection = {
      bias: options.bias ?? true,
      ...(options.weightInitializer && { weightInitializer: options.weightInitializer }),
      ...(options.biasInitializer && { biasInitializer: options.biasInitializer }),
    };
    this.query = new Dense(features, features, projection);
    this.key = new Dense(features, features, projection);
    this.value = new Dense(features, features, projection);
    this.output = new Dense(features, features, {
      bias: options.outputBias ?? true,
      ...(options.outputInitializer && { weightInitializer: options.outputInitializer }),
      ...(options.biasInitializer && { biasInitializer: options.biasInitializer }),
    });
    this.dropout = new Dropout(options.dropout ?? 0);
  }

  /**
   * Attention(Q, K, V) = softmax(scale · Q Kᵀ) V for each head, then the output projection.
   *
   * @param x queries, [B, T, C]
   * @returns [B, T, C]
   */
  forward(x: tf.Tensor, call: AttentionCall = {}): tf.Tensor {
    let { keys, values } = this.keysAndValues(call.memory ?? x); // [B, N, S, D]
    if (call.cache !== undefined) [keys, values] = extendCache(call.cache, keys, values);
    return this.attend(x, keys, values, call);
  }

  /**
   * Keys and values of `memory`, for {@link attend}: a decoder that writes a token at a time makes them once.
   *
   * @param memory [B, S, C]
   * @returns both [B, N, S, D]
   */
  keysAndValues(memory: tf.Tensor): { keys: tf.Tensor; values: tf.Tensor } {
    return { keys: this.#split(this.key.forward(memory)), values: this.#split(this.value.forward(memory)) };
  }

  /**
   * {@link forward} with keys and values that were made before.
   *
   * @param x queries, [B, T, C]
   * @param keys [B, N, S, D]
   * @param values [B, N, S, D]
   * @returns [B, T, C]
   */
  attend(x: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, call: Pick<AttentionCall, 'mask' | 'key'> = {}): tf.Tensor {
    const [B, T] = x.shape as [number, number, number];
    const weights = this.dropout.forward(this.weights(x, keys, call.mask), call.key?.fold('attention')); // [B, N, T, S]
    const mixed = tf.matMul(weights, values); // [B, N, T, D]
    const merged = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B, T, this.features]); // [B, T, C]
    return this.output.forward(merged);
  }

  /**
   * How much of each key every query sees, softmax(scale · Q Kᵀ), before dropout; to look at what a model attends to.
   *
   * @param x queries, [B, T, C]
   * @param keys [B, N, S, D], see {@link keysAndValues}
   * @param mask as in {@link AttentionCall}
   * @returns [B, N, T, S]; each row sums to 1
   */
  weights(x: tf.Tensor, keys: tf.Tensor, mask?: tf.Tensor): tf.Tensor {
    const queries = this.#split(this.query.forward(x)); // [B, N, T, D]
    // Scaling the queries, not the scores: T · D products instead of T · S.
    let scores = tf.matMul(tf.mul(queries, this.scale), keys, false, true); // [B, N, T, S]
    if (this.causal) scores = tf.add(scores, causalMask(x.shape[1]!, keys.shape[2]!));
    if (mask !== undefined) scores = tf.add(scores, mask);
    return tf.softmax(scores, -1);
  }

  #split(x: tf.Tensor): tf.Tensor {
    const [B, time] = x.shape as [number, number, number];
    const heads = tf.reshape(x, [B, time, this.heads, this.features / this.heads]); // [B, T, N, D]
    return tf.transpose(heads, [0, 2, 1, 3]); // [B, N, T, D]
  }
}

function extendCache(cache: KeyValueCache, keys: tf.Tensor, values: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const { keys: earlierKeys, values: earlierValues } = cache;
  // Kept beyond the tidy of one step: the cache owns them.
  const allKeys = tf.keep(earlierKeys === undefined ? tf.clone(keys) : tf.concat([earlierKeys, keys], 2));
  const allValues = tf.keep(earlierValues === undefined ? tf.clone(values) : tf.concat([earlierValues, values], 2));
  earlierKeys?.dispose();
  earlierValues?.dispose();
  cache.keys = allKeys;
  cache.values = allValues;
  return [allKeys, allValues];
}

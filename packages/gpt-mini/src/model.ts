/**
 * A decoder-only Transformer that predicts the next token. Radford et al. 2018 and 2019 (GPT, GPT-2), section 2.3.
 * Idea: one stack of identical blocks, each position sees only what came before, and the loss is the next token.
 *
 *   lecture-small   4 layers, 4 heads,  64 features →     209,729 weights
 *   nano-cpu        4 layers, 4 heads, 128 features →     804,096 weights
 *   gpt2           12 layers, 12 heads, 768 features → 124,439,808 weights
 *
 * Figure 1 of GPT (left) → Gpt        its repeated box → GptBlock, with GPT-2's layer norms moved before each part
 * Dimensions: B batch, T time, C features, V vocabulary.
 */
import { tf } from '@milestones/backend';
import {
  activation,
  Dense,
  Dropout,
  Embedding,
  fanInUniform,
  LayerNorm,
  Module,
  MultiHeadAttention,
  normal,
  zeros,
  type Initializer,
  type KeyValueCache,
  type RandomKey,
} from '@milestones/core';
import type { LocateModelOptions, Tokenizer } from '@milestones/datasets';
import { gptConfig, type GptConfig, type GptOptions, type GptSize } from './config.ts';
import { loadPretrained, type PretrainedName } from './weights.ts';

/** What a forward pass may get besides the tokens. */
export interface GptCall {
  /** Noise for dropout; needed in training mode when the dropout rate is above 0. */
  key?: RandomKey;
  /** Keys and values of earlier positions, one cache a block, from {@link Gpt.createCache}. */
  cache?: KeyValueCache[];
}

/** Two layers with an activation between them, applied at each position alone: C → 4C → C. */
export class FeedForward extends Module {
  readonly expand: Dense;
  readonly contract: Dense;
  readonly #activation: (x: tf.Tensor) => tf.Tensor;

  constructor(config: GptConfig) {
    super();
    const { weight, residual, bias } = initializersOf(config);
    const hidden = 4 * config.features;
    this.expand = new Dense(config.features, hidden, { bias: config.bias, ...weight, ...bias });
    this.contract = new Dense(hidden, config.features, { bias: config.bias, ...residual, ...bias });
    this.#activation = activation(config.activation);
  }

  /** x [B, T, C] → [B, T, C] */
  forward(x: tf.Tensor): tf.Tensor {
    const hidden = this.#activation(this.expand.forward(x)); // [B, T, 4C]
    return this.contract.forward(hidden); // [B, T, C]
  }
}

/**
 * One block: x ← x + attention(norm(x)), then x ← x + feedForward(norm(x)).
 *
 * GPT-2 moved the layer norms to the input of each part (section 2.3), so that the residual stream itself is never
 * normalised and gradients reach the first layer unchanged.
 */
export class GptBlock extends Module {
  readonly attentionNorm: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly feedForwardNorm: LayerNorm;
  readonly feedForward: FeedForward;
  readonly dropout: Dropout;

  constructor(config: GptConfig) {
    super();
    const { weight, residual, bias } = initializersOf(config);
    this.attentionNorm = new LayerNorm(config.features, { bias: config.bias });
    this.attention = new MultiHeadAttention({
      features: config.features,
      heads: config.heads,
      causal: true,
      bias: config.attentionBias,
      outputBias: config.bias,
      scale: 1 / Math.sqrt(config.attentionScale === 'features' ? config.features : config.features / config.heads),
      dropout: config.dropout,
      ...weight,
      ...bias,
      ...(residual.weightInitializer && { outputInitializer: residual.weightInitializer }),
    });
    this.feedForwardNorm = new LayerNorm(config.features, { bias: config.bias });
    this.feedForward = new FeedForward(config);
    this.dropout = new Dropout(config.dropout);
  }

  /** x [B, T, C] → [B, T, C] */
  forward(x: tf.Tensor, call: { key?: RandomKey | undefined; cache?: KeyValueCache | undefined } = {}): tf.Tensor {
    const { key, cache } = call;
    const attend = (normed: tf.Tensor): tf.Tensor =>
      this.attention.forward(normed, { ...(key && { key: key.fold('attention') }), ...(cache && { cache }) });
    return this.compose(x, attend, key);
  }

  /** {@link forward} with an attention of the caller's, normed x [B, T, C] → [B, T, C]. */
  compose(x: tf.Tensor, attend: (normed: tf.Tensor) => tf.Tensor, key?: RandomKey): tf.Tensor {
    const attended = attend(this.attentionNorm.forward(x));
    const mixed = tf.add(x, this.dropout.forward(attended, key?.fold('attentionOutput')));
    const transformed = this.feedForward.forward(this.feedForwardNorm.forward(mixed));
    return tf.add(mixed, this.dropout.forward(transformed, key?.fold('feedForwardOutput')));
  }
}

/** The whole model: embeddings, blocks, a last layer norm, and a score for each token of the vocabulary. */
export class Gpt extends Module {
  readonly config: GptConfig;
  readonly tokenEmbedding: Embedding;
  readonly positionEmbedding: Embedding;
  readonly embeddingDropout: Dropout;
  readonly blocks: GptBlock[];
  readonly finalNorm: LayerNorm;
  /** The output layer; absent when it shares the token embedding. */
  readonly head: Dense | undefined;
  /** Turns text into tokens and back, where the weights came with one. */
  tokenizer: Tokenizer | undefined;

  /**
   * Declares a model; no weight is allocated before `initialize`, `loadStateDict` or {@link fromPretrained}.
   *
   * @param options a named size, or the architecture
   */
  constructor(options: GptOptions | GptSize) {
    super();
    this.config = gptConfig(options);
    const { vocabularySize, contextLength, features, layers, dropout, tieWeights } = this.config;
    const { weight, bias, embedding } = initializersOf(this.config);
    this.tokenEmbedding = new Embedding(vocabularySize, features, embedding);
    this.positionEmbedding = new Embedding(contextLength, features, embedding);
    this.embeddingDropout = new Dropout(dropout);
    this.blocks = Array.from({ length: layers }, () => new GptBlock(this.config));
    this.finalNorm = new LayerNorm(features, { bias: this.config.bias });
    this.head = tieWeights
      ? undefined
      : new Dense(features, vocabularySize, { bias: this.config.headBias, ...weight, ...bias });
  }

  /**
   * A model with weights and tokenizer.
   *
   * @param source the name of weights that come with this package, a folder that `savePretrained` wrote or of a GPT-2 model (a
   * path in Node, or a URL), or a GPT-2 model of the Hugging Face hub, such as `openai-community/gpt2`
   */
  static async fromPretrained(
    source: PretrainedName | (string & {}) | URL,
    options: LocateModelOptions = {},
  ): Promise<Gpt> {
    const { config, tokenizer, state } = await loadPretrained(source, options);
    const model = new Gpt(config);
    try {
      model.loadStateDict(state);
    } finally {
      for (const tensor of Object.values(state)) tensor.dispose();
    }
    model.tokenizer = tokenizer;
    return model.eval();
  }

  /** Empty caches, one for each block; see {@link disposeCache}. */
  createCache(): KeyValueCache[] {
    return this.blocks.map(() => ({ keys: undefined, values: undefined }));
  }

  /**
   * Scores of the next token at every position.
   *
   * @param tokens int32 [B, T]; with a cache only the tokens that it has not seen
   * @returns logits, [B, T, V]
   */
  forward(tokens: tf.Tensor2D, call: GptCall = {}): tf.Tensor3D {
    return this.scores(this.encode(tokens, call));
  }

  /** {@link forward} up to the last block, [B, T, C]. */
  encode(tokens: tf.Tensor2D, call: GptCall = {}): tf.Tensor {
    const T = tokens.shape[1];
    const { contextLength } = this.config;
    const seen = call.cache?.[0]?.keys?.shape[2] ?? 0;
    if (seen + T > contextLength) {
      throw new Error(
        `Gpt: ${seen + T} tokens arrived for a model of context length ${contextLength}; give at most the last ${contextLength}.`,
      );
    }
    const embedded = this.embed(tokens, tf.range(seen, seen + T, 1, 'int32')); // [B, T, C]
    let x = this.embeddingDropout.forward(embedded, call.key?.fold('embedding'));
    this.blocks.forEach((block, index) => {
      x = block.forward(x, { key: call.key?.fold(index), cache: call.cache?.[index] }); // [B, T, C]
    });
    return x;
  }

  /** Tokens int32 [B, T] at positions int32 [T] → [B, T, C] */
  embed(tokens: tf.Tensor2D, positions: tf.Tensor1D): tf.Tensor {
    return tf.add(this.tokenEmbedding.forward(tokens), this.positionEmbedding.forward(positions));
  }

  /** What the last block returned, [B, T, C], as scores of the next token, [B, T, V]. */
  scores(encoded: tf.Tensor): tf.Tensor3D {
    const [B, T] = encoded.shape as [number, number];
    const { features, vocabularySize } = this.config;
    const x = this.finalNorm.forward(encoded);
    if (this.head !== undefined) return this.head.forward(x) as tf.Tensor3D; // [B, T, V]
    const rows = tf.reshape(x, [B * T, features]) as tf.Tensor2D;
    const scores = tf.matMul(rows, this.tokenEmbedding.weight.value as tf.Tensor2D, false, true); // [B·T, V]
    return tf.reshape(scores, [B, T, vocabularySize]);
  }
}

/** Frees the tensors of a cache that {@link Gpt.createCache} made. */
export function disposeCache(cache: KeyValueCache[]): void {
  for (const entry of cache) {
    entry.keys?.dispose();
    entry.values?.dispose();
    entry.keys = undefined;
    entry.values = undefined;
  }
}

interface Initializers {
  embedding: { weightInitializer?: Initializer };
  weight: { weightInitializer?: Initializer };
  /** Of the two projections of a block that write to the residual stream. */
  residual: { weightInitializer?: Initializer };
  bias: { biasInitializer?: Initializer };
}

function initializersOf({ initialization, layers }: GptConfig): Initializers {
  // The layers' own defaults are exactly U(±1/√in) and N(0, 1).
  if (initialization === 'fanIn') {
    return { embedding: {}, weight: { weightInitializer: fanInUniform() }, residual: {}, bias: {} };
  }
  // GPT-2, section 2.3: residual layers scaled by 1/√N, N the number of residual layers, two a block.
  return {
    embedding: { weightInitializer: normal(0.02) },
    weight: { weightInitializer: normal(0.02) },
    residual: { weightInitializer: normal(0.02 / Math.sqrt(2 * layers)) },
    bias: { biasInitializer: zeros() },
  };
}

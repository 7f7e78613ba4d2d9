/**
 * The Transformer: an encoder reads the source, a decoder writes the target, and attention is all that moves information
 * between positions. Vaswani et al. 2017, "Attention is all you need".
 *
 *   base        6 + 6 layers, 8 heads,  512 features →  63,082,496 weights
 *   big         6 + 6 layers, 16 heads, 1024 features → 214,245,376 weights
 *   multi30k    3 + 3 layers, 8 heads,  256 features →   9,038,341 weights
 *
 * Figure 1 → Transformer   its left box → EncoderLayer, its right box → DecoderLayer   Section 3.3 → FeedForward
 * Section 3.4 and 3.5 → TokenEmbedding
 * Dimensions: B batch, S source time, T target time, C features, N heads, D head size, V target vocabulary.
 */
import { tf } from '@milestones/backend';
import {
  Dense,
  Dropout,
  Embedding,
  LayerNorm,
  Module,
  MultiHeadAttention,
  normal,
  paddingMask,
  Parameter,
  relu,
  sinusoidal,
  xavierUniform,
  zeros,
  type Initializer,
  type RandomKey,
  loadOwnWeights,
} from '@milestones/core';
import type { Tokenizer } from '@milestones/datasets';
import { transformerConfig, type TransformerConfig, type TransformerOptions, type TransformerSize } from './config.ts';
import { openPretrained, type PretrainedName } from './weights.ts';

/** FFN(x) = relu(x W₁ + b₁) W₂ + b₂, at each position alone: C → d_ff → C. Section 3.3. */
export class FeedForward extends Module {
  readonly expand: Dense;
  readonly contract: Dense;
  readonly dropout: Dropout;

  constructor({ features, feedForward, activationDropout }: TransformerConfig) {
    super();
    const initializers = { weightInitializer: xavierUniform(), biasInitializer: zeros() };
    this.expand = new Dense(features, feedForward, initializers);
    this.contract = new Dense(feedForward, features, initializers);
    this.dropout = new Dropout(activationDropout);
  }

  /** x [B, T, C] → [B, T, C] */
  forward(x: tf.Tensor, key?: RandomKey): tf.Tensor {
    const hidden = this.dropout.forward(relu(this.expand.forward(x)), key?.fold('hidden')); // [B, T, d_ff]
    return this.contract.forward(hidden); // [B, T, C]
  }
}

/**
 * One part of a layer with its detour, dropout and layer norm. Section 3.1 and 5.4: norm(x + dropout(part(x))), as
 * published (post-LN). Pre-LN, x + dropout(part(norm(x))), came later; it trains without warm-up.
 */
export class Residual extends Module {
  readonly norm: LayerNorm;
  readonly dropout: Dropout;
  readonly #pre: boolean;

  constructor({ features, dropout, normalization }: TransformerConfig) {
    super();
    this.norm = new LayerNorm(features);
    this.dropout = new Dropout(dropout);
    this.#pre = normalization === 'pre';
  }

  /** x [B, T, C] → [B, T, C] */
  forward(x: tf.Tensor, part: (x: tf.Tensor) => tf.Tensor, key?: RandomKey): tf.Tensor {
    if (this.#pre) return tf.add(x, this.dropout.forward(part(this.norm.forward(x)), key));
    return this.norm.forward(tf.add(x, this.dropout.forward(part(x), key)));
  }
}

/** Figure 1, left: each position looks at all positions of the source. */
export class EncoderLayer extends Module {
  readonly attention: MultiHeadAttention;
  readonly attentionResidual: Residual;
  readonly feedForward: FeedForward;
  readonly feedForwardResidual: Residual;

  constructor(config: TransformerConfig) {
    super();
    this.attention = attentionOf(config, false);
    this.attentionResidual = new Residual(config);
    this.feedForward = new FeedForward(config);
    this.feedForwardResidual = new Residual(config);
  }

  /** x [B, S, C], mask [B, 1, 1, S] → [B, S, C] */
  forward(x: tf.Tensor, mask?: tf.Tensor, key?: RandomKey): tf.Tensor {
    const call = { ...(mask && { mask }), ...(key && { key: key.fold('attention') }) };
    const attended = this.attentionResidual.forward(x, (h) => this.attention.forward(h, call), key?.fold('attended'));
    return this.feedForwardResidual.forward(
      attended,
      (h) => this.feedForward.forward(h, key?.fold('feedForward')),
      key?.fold('transformed'),
    );
  }
}

/** Figure 1, right: each position looks at those before it, then at the whole source. */
export class DecoderLayer extends Module {
  readonly attention: MultiHeadAttention;
  readonly attentionResidual: Residual;
  readonly crossAttention: MultiHeadAttention;
  readonly crossAttentionResidual: Residual;
  readonly feedForward: FeedForward;
  readonly feedForwardResidual: Residual;

  constructor(config: TransformerConfig) {
    super();
    this.attention = attentionOf(config, true);
    this.attentionResidual = new Residual(config);
    this.crossAttention = attentionOf(config, false);
    this.crossAttentionResidual = new Residual(config);
    this.feedForward = new FeedForward(config);
    this.feedForwardResidual = new Residual(config);
  }

  /** x [B, T, C], memory [B, S, C], mask of the memory [B, 1, 1, S] → [B, T, C] */
  forward(x: tf.Tensor, memory: tf.Tensor, mask?: tf.Tensor, key?: RandomKey): tf.Tensor {
    const own = key && { key: key.fold('attention') };
    const cross = { memory, ...(mask && { mask }), ...(key && { key: key.fold('crossAttention') }) };
    return this.compose(
      x,
      (h) => this.attention.forward(h, own),
      (h) => this.crossAttention.forward(h, cross),
      key,
    );
  }

  /** The layer with its two attentions given; decoding has them look into caches. */
  compose(
    x: tf.Tensor,
    attention: (x: tf.Tensor) => tf.Tensor,
    crossAttention: (x: tf.Tensor) => tf.Tensor,
    key?: RandomKey,
  ): tf.Tensor {
    const attended = this.attentionResidual.forward(x, attention, key?.fold('attended'));
    const informed = this.crossAttentionResidual.forward(attended, crossAttention, key?.fold('informed'));
    return this.feedForwardResidual.forward(
      informed,
      (h) => this.feedForward.forward(h, key?.fold('feedForward')),
      key?.fold('transformed'),
    );
  }
}

/** √C · W[tokens] + PE[positions], then dropout. Sections 3.4, 3.5 and 5.4. */
export class TokenEmbedding extends Module {
  readonly tokens: Embedding;
  readonly positions: Parameter;
  readonly dropout: Dropout;
  readonly #scale: number;

  /** @param tokens the table, which may be shared */
  constructor(config: TransformerConfig, tokens: Embedding) {
    super();
    const { features, maximumLength, positions, dropout } = config;
    this.tokens = tokens;
    const learned = positions === 'learned';
    this.positions = new Parameter([maximumLength, features], learned ? embeddingInitializer(config) : sinusoidal(), {
      trainable: learned,
    });
    this.dropout = new Dropout(dropout);
    this.#scale = Math.sqrt(features);
  }

  /**
   * @param tokens int32 [B, T]
   * @param position int32 [T], where the tokens stand; default 0, 1, 2, …
   * @returns [B, T, C]
   */
  forward(tokens: tf.Tensor, position?: tf.Tensor, key?: RandomKey): tf.Tensor {
    const T = tokens.shape[1]!;
    const [maximumLength, features] = this.positions.shape as [number, number];
    if (T > maximumLength) {
      throw new Error(
        `Transformer: a sentence of ${T} tokens arrived for a model of at most ${maximumLength}; shorten it, or raise maximumLength.`,
      );
    }
    const table = this.positions.value as tf.Tensor2D;
    const places = position === undefined ? tf.slice(table, [0, 0], [T, features]) : tf.gather(table, position);
    const embedded = tf.add(tf.mul(this.tokens.forward(tokens), this.#scale), places); // [B, T, C]
    return this.dropout.forward(embedded, key);
  }
}

/** Figure 1, whole. */
export class Transformer extends Module {
  readonly config: TransformerConfig;
  readonly sourceEmbedding: TokenEmbedding;
  readonly targetEmbedding: TokenEmbedding;
  readonly encoder: EncoderLayer[];
  readonly decoder: DecoderLayer[];
  /** Of pre-LN alone: post-LN layers end in one of their own. */
  readonly encoderNorm: LayerNorm | undefined;
  readonly decoderNorm: LayerNorm | undefined;
  /** The output layer; absent when it shares the target embedding. */
  readonly head: Dense | undefined;
  /** Bias of an output layer that shares the target embedding. */
  readonly outputBias: Parameter | undefined;
  /** Text to tokens and back, where the weights came with them. */
  tokenizers: { source: Tokenizer; target: Tokenizer } | undefined;

  /**
   * Declares a model; no weight is allocated before `initialize`, `loadStateDict` or {@link fromPretrained}.
   *
   * @param options a named size, or the architecture
   */
  constructor(options: TransformerOptions | TransformerSize) {
    super();
    const config = transformerConfig(options);
    this.config = config;
    const { features, sourceVocabulary, targetVocabulary, shareEmbeddings, outputBias } = config;
    const weightInitializer = embeddingInitializer(config);
    const source = new Embedding(sourceVocabulary, features, { weightInitializer });
    const target =
      shareEmbeddings === 'all' ? source : new Embedding(targetVocabulary, features, { weightInitializer });
    this.sourceEmbedding = new TokenEmbedding(config, source);
    this.targetEmbedding = new TokenEmbedding(config, target);
    this.encoder = Array.from({ length: config.encoderLayers }, () => new EncoderLayer(config));
    this.decoder = Array.from({ length: config.decoderLayers }, () => new DecoderLayer(config));
    const pre = config.normalization === 'pre';
    this.encoderNorm = pre ? new LayerNorm(features) : undefined;
    this.decoderNorm = pre ? new LayerNorm(features) : undefined;
    const separate = shareEmbeddings === 'none';
    this.head = separate
      ? new Dense(features, targetVocabulary, {
          bias: outputBias,
          weightInitializer: xavierUniform(),
          biasInitializer: zeros(),
        })
      : undefined;
    this.outputBias = outputBias && !separate ? new Parameter([targetVocabulary], zeros()) : undefined;
  }

  /**
   * A model with weights and tokenizers.
   *
   * @param source the name of weights that come with this package, or a folder that `savePretrained` wrote: a path (in Node) or a URL
   */
  static async fromPretrained(source: PretrainedName | (string & {}) | URL): Promise<Transformer> {
    const { config, tokenizers, weights } = await openPretrained(source);
    const model = new Transformer(config);
    await loadOwnWeights(model, { weights });
    model.tokenizers = tokenizers;
    return model.eval();
  }

  /** Source tokens int32 [B, S], their mask [B, 1, 1, S] → memory [B, S, C] */
  encode(source: tf.Tensor, mask?: tf.Tensor, key?: RandomKey): tf.Tensor {
    let x = this.sourceEmbedding.forward(source, undefined, key?.fold('source'));
    this.encoder.forEach((layer, index) => {
      x = layer.forward(x, mask, key?.fold('encoder').fold(index)); // [B, S, C]
    });
    return this.encoderNorm === undefined ? x : this.encoderNorm.forward(x);
  }

  /** Target tokens int32 [B, T], memory [B, S, C] and its mask → what the output layer reads, [B, T, C] */
  decode(target: tf.Tensor, memory: tf.Tensor, mask?: tf.Tensor, key?: RandomKey): tf.Tensor {
    let x = this.targetEmbedding.forward(target, undefined, key?.fold('target'));
    this.decoder.forEach((layer, index) => {
      x = layer.forward(x, memory, mask, key?.fold('decoder').fold(index)); // [B, T, C]
    });
    return this.decoderNorm === undefined ? x : this.decoderNorm.forward(x);
  }

  /** x [B, T, C] → logits [B, T, V] */
  project(x: tf.Tensor): tf.Tensor3D {
    if (this.head !== undefined) return this.head.forward(x) as tf.Tensor3D;
    const [B, T, C] = x.shape as [number, number, number];
    const table = this.targetEmbedding.tokens.weight.value as tf.Tensor2D; // [V, C]
    const scores = tf.matMul(tf.reshape(x, [B * T, C]) as tf.Tensor2D, table, false, true); // [B·T, V]
    const biased = this.outputBias === undefined ? scores : tf.add(scores, this.outputBias.value);
    return tf.reshape(biased, [B, T, this.config.targetVocabulary]);
  }

  /**
   * Scores of the next target token at every position. A target needs no mask of its own: its padding comes last, and no
   * position looks ahead.
   *
   * @param source int32 [B, S]
   * @param sourceLengths int32 [B], the rest is padding
   * @param target int32 [B, T], the start token first
   * @param key noise for dropout; needed in training mode
   * @returns logits, [B, T, V]
   */
  forward(source: tf.Tensor2D, sourceLengths: tf.Tensor1D, target: tf.Tensor2D, key?: RandomKey): tf.Tensor3D {
    const mask = paddingMask(sourceLengths, source.shape[1]); // [B, 1, 1, S]
    return this.project(this.decode(target, this.encode(source, mask, key), mask, key));
  }
}

function attentionOf(config: TransformerConfig, causal: boolean): MultiHeadAttention {
  const { features, heads, attentionBias, attentionDropout } = config;
  return new MultiHeadAttention({
    features,
    heads,
    causal,
    bias: attentionBias,
    outputBias: attentionBias,
    dropout: attentionDropout,
    weightInitializer: xavierUniform(),
    outputInitializer: xavierUniform(),
    biasInitializer: zeros(),
  });
}

function embeddingInitializer({ embeddingInitialization, features }: TransformerConfig): Initializer {
  return embeddingInitialization === 'xavier' ? xavierUniform() : normal(1 / Math.sqrt(features));
}

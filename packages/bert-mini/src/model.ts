/**
 * A bidirectional encoder that is trained to guess hidden words, then tuned to a task. Devlin et al. 2018.
 * Idea: every position sees the whole sentence; hiding words makes a task of it that needs no labels.
 *
 *   tiny 2 layers, 128 features, 2 heads → 4,385,920 weights      base 12 / 768 / 12 → 109,482,240
 *
 * Figure 2 (three sums of embeddings) → Embeddings     section 3, Transformer block → BertBlock
 * Section 3.1, task 1 → MaskedLanguageModel    task 2 → nextSentence     figure 4, a and b → BertClassifier
 * Dimensions: B batch, T time, C features, V vocabulary, M guessed positions, K classes.
 */
import { tf } from '@milestones/backend';
import {
  activation,
  Dense,
  Dropout,
  Embedding,
  LayerNorm,
  Module,
  MultiHeadAttention,
  paddingMask,
  Parameter,
  truncatedNormal,
  zeros,
  type RandomKey,
} from '@milestones/core';
import type { LocateModelOptions, WordPieceTokenizer } from '@milestones/datasets';
import { bertConfig, type BertConfig, type BertOptions, type BertSize } from './config.ts';
import { loadPretrained } from './weights.ts';

/** A batch as BERT reads it. */
export interface BertInput {
  /** int32 [B, T] */
  tokens: tf.Tensor2D;
  /** int32 [B, T], 0 or 1; left out, all 0. */
  segments?: tf.Tensor2D | undefined;
  /** int32 [B], how many tokens of each row count; left out, all. */
  lengths?: tf.Tensor1D | undefined;
}

// Section A.2: all weights N(0, 0.02²), truncated at two deviations in the release.
function initialOf({ initialDeviation }: BertConfig) {
  return { weightInitializer: truncatedNormal(initialDeviation), biasInitializer: zeros() };
}

/** Token, segment and position, added and normalised. Figure 2. */
export class Embeddings extends Module {
  readonly tokens: Embedding;
  readonly positions: Embedding;
  readonly segments: Embedding;
  readonly norm: LayerNorm;
  readonly dropout: Dropout;

  constructor(config: BertConfig) {
    super();
    const { vocabularySize, contextLength, segments, features, normEpsilon, dropout } = config;
    const initial = initialOf(config);
    this.tokens = new Embedding(vocabularySize, features, initial);
    this.positions = new Embedding(contextLength, features, initial);
    this.segments = new Embedding(segments, features, initial);
    this.norm = new LayerNorm(features, { epsilon: normEpsilon });
    this.dropout = new Dropout(dropout);
  }

  /** → [B, T, C] */
  forward({ tokens, segments }: BertInput, key?: RandomKey): tf.Tensor {
    const [, T] = tokens.shape;
    const limit = this.positions.weight.shape[0]!;
    if (T > limit) {
      throw new Error(
        `Bert: ${T} tokens arrived for a model of at most ${limit}; give fewer, or let the tokenizer cut them (frame).`,
      );
    }
    const segment = segments ?? tf.zeros([1, T], 'int32');
    const positions = this.positions.forward(tf.range(0, T, 1, 'int32')); // [T, C]
    const sum = tf.add(tf.add(this.tokens.forward(tokens), positions), this.segments.forward(segment)); // [B, T, C]
    return this.dropout.forward(this.norm.forward(sum), key);
  }
}

/** One block: x ← norm(x + attention(x)), then x ← norm(x + feedForward(x)); the norms come after, as in the Transformer. */
export class BertBlock extends Module {
  readonly attention: MultiHeadAttention;
  readonly attentionNorm: LayerNorm;
  readonly expand: Dense;
  readonly contract: Dense;
  readonly feedForwardNorm: LayerNorm;
  readonly dropout: Dropout;
  readonly #activation: (x: tf.Tensor) => tf.Tensor;

  constructor(config: BertConfig) {
    super();
    const { features, heads, hidden, normEpsilon, dropout, activation: name } = config;
    const initial = initialOf(config);
    const inner = hidden === 0 ? 4 * features : hidden;
    this.attention = new MultiHeadAttention({
      features,
      heads,
      dropout,
      ...initial,
      outputInitializer: initial.weightInitializer,
    });
    this.attentionNorm = new LayerNorm(features, { epsilon: normEpsilon });
    this.expand = new Dense(features, inner, initial);
    this.contract = new Dense(inner, features, initial);
    this.feedForwardNorm = new LayerNorm(features, { epsilon: normEpsilon });
    this.dropout = new Dropout(dropout);
    this.#activation = activation(name);
  }

  /** x [B, T, C], mask [B, 1, 1, T] → [B, T, C] */
  forward(x: tf.Tensor, mask?: tf.Tensor, key?: RandomKey): tf.Tensor {
    const attended = this.attention.forward(x, { ...(mask && { mask }), ...(key && { key: key.fold('attention') }) });
    const mixed = this.attentionNorm.forward(tf.add(x, this.dropout.forward(attended, key?.fold('attentionOutput'))));
    const transformed = this.contract.forward(this.#activation(this.expand.forward(mixed))); // [B, T, C]
    return this.feedForwardNorm.forward(
      tf.add(mixed, this.dropout.forward(transformed, key?.fold('feedForwardOutput'))),
    );
  }
}

/** Embeddings, blocks, and the pooler: what all tasks share. */
export class Bert extends Module {
  readonly config: BertConfig;
  readonly embeddings: Embeddings;
  readonly blocks: BertBlock[];
  readonly pooler: Dense;

  /** Declares an encoder; nothing is allocated before `initialize` or `loadStateDict`. */
  constructor(options: BertOptions | BertSize) {
    super();
    this.config = bertConfig(options);
    this.embeddings = new Embeddings(this.config);
    this.blocks = Array.from({ length: this.config.layers }, () => new BertBlock(this.config));
    this.pooler = new Dense(this.config.features, this.config.features, initialOf(this.config));
  }

  /** What stands at each position after the last block, [B, T, C]. */
  forward(input: BertInput, key?: RandomKey): tf.Tensor3D {
    const mask = input.lengths === undefined ? undefined : paddingMask(input.lengths, input.tokens.shape[1]);
    let x = this.embeddings.forward(input, key?.fold('embedding'));
    this.blocks.forEach((block, index) => {
      x = block.forward(x, mask, key?.fold(index)); // [B, T, C]
    });
    return x as tf.Tensor3D;
  }

  /** tanh(W · first position + b): a summary of the sequence, [B, C]. */
  pool(encoded: tf.Tensor3D): tf.Tensor2D {
    const [B, , C] = encoded.shape;
    return tf.tanh(this.pooler.forward(tf.reshape(tf.slice(encoded, [0, 0, 0], [B, 1, C]), [B, C]))) as tf.Tensor2D;
  }
}

/** The encoder with the heads of pre-training: which word is hidden, and whether the second part follows the first. */
export class BertForPretraining extends Module {
  readonly config: BertConfig;
  readonly bert: Bert;
  readonly transform: Dense;
  readonly transformNorm: LayerNorm;
  /** The output layer shares the token embedding and has a bias of its own, [V]. */
  readonly outputBias: Parameter;
  readonly nextSentence: Dense;
  /** Turns text into tokens and back, where the weights came with one. */
  tokenizer: WordPieceTokenizer | undefined;
  readonly #activation: (x: tf.Tensor) => tf.Tensor;

  constructor(options: BertOptions | BertSize) {
    super();
    this.bert = new Bert(options);
    this.config = this.bert.config;
    const { features, vocabularySize, normEpsilon } = this.config;
    const initial = initialOf(this.config);
    this.transform = new Dense(features, features, initial);
    this.transformNorm = new LayerNorm(features, { epsilon: normEpsilon });
    this.outputBias = new Parameter([vocabularySize], zeros());
    this.nextSentence = new Dense(features, 2, initial);
    this.#activation = activation(this.config.activation);
  }

  /**
   * A model with weights and tokenizer.
   *
   * @param source a name of `pretrained`, such as `tiny-wikitext-2`, a folder that `savePretrained` wrote or of a BERT model
   * (a path in Node, or a URL), or a BERT model of the Hugging Face hub, such as `google/bert_uncased_L-2_H-128_A-2`
   */
  static async fromPretrained(source: string | URL, options: LocateModelOptions = {}): Promise<BertForPretraining> {
    const { config, tokenizer, state } = await loadPretrained('BertForPretraining', source, options);
    return restored(new BertForPretraining(config), state, tokenizer);
  }

  /**
   * Scores of the hidden words.
   *
   * @param encoded what the encoder returned, [B, T, C]
   * @param places int32 [M]: places in the batch seen as one list of B · T positions
   * @returns logits, [M, V]
   */
  wordLogits(encoded: tf.Tensor3D, places: tf.Tensor1D): tf.Tensor2D {
    const rows = tf.gather(tf.reshape(encoded, [-1, this.config.features]), places); // [M, C]
    const transformed = this.transformNorm.forward(this.#activation(this.transform.forward(rows))); // [M, C]
    const table = this.bert.embeddings.tokens.weight.value as tf.Tensor2D;
    return tf.add(tf.matMul(transformed as tf.Tensor2D, table, false, true), this.outputBias.value); // [M, V]
  }

  /** Scores of "follows" (0) and "is from elsewhere" (1), [B, 2]. */
  sentenceLogits(encoded: tf.Tensor3D): tf.Tensor2D {
    return this.nextSentence.forward(this.bert.pool(encoded)) as tf.Tensor2D;
  }
}

/** The encoder with a classifier on top, for single texts and for pairs. */
export class BertClassifier extends Module {
  readonly config: BertConfig;
  readonly bert: Bert;
  readonly dropout: Dropout;
  readonly classifier: Dense;
  readonly classNames: readonly string[];
  tokenizer: WordPieceTokenizer | undefined;

  /** @param classNames names of the K classes, in the order of their numbers */
  constructor(options: BertOptions | BertSize, classNames: readonly string[]) {
    super();
    if (classNames.length < 2)
      throw new Error(`BertClassifier: ${classNames.length} classes arrived; give two or more names.`);
    this.bert = new Bert(options);
    this.config = this.bert.config;
    this.dropout = new Dropout(this.config.dropout);
    this.classifier = new Dense(this.config.features, classNames.length, initialOf(this.config));
    this.classNames = classNames;
  }

  /** A classifier with weights, class names and tokenizer, such as `tiny-sst-2`; see {@link BertForPretraining.fromPretrained}. */
  static async fromPretrained(source: string | URL, options: LocateModelOptions = {}): Promise<BertClassifier> {
    const { config, tokenizer, state, classNames } = await loadPretrained('BertClassifier', source, options);
    return restored(new BertClassifier(config, classNames ?? []), state, tokenizer);
  }

  /** → logits, [B, K] */
  forward(input: BertInput, key?: RandomKey): tf.Tensor2D {
    const pooled = this.bert.pool(this.bert.forward(input, key?.fold('bert')));
    return this.classifier.forward(this.dropout.forward(pooled, key?.fold('classifier'))) as tf.Tensor2D;
  }
}

function restored<M extends BertForPretraining | BertClassifier>(
  model: M,
  state: Record<string, tf.Tensor>,
  tokenizer: WordPieceTokenizer | undefined,
): M {
  try {
    model.loadStateDict(state);
  } finally {
    tf.dispose(state);
  }
  model.tokenizer = tokenizer;
  return model.eval() as M;
}

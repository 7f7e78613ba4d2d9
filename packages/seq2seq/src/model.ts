/**
 * Sequence to sequence learning with neural networks. Sutskever, Vinyals and Le 2014, sections 2 and 3.
 * Idea: one LSTM reads the source sentence into its state, a second one starts from that state and writes the translation,
 * and the source is read backwards, so that its first words are near the first words of the translation.
 *
 *   4 layers × 1000 cells, 160,000 and 80,000 words → 384,000,000 weights (64,000,000 of them recurrent)
 *   Multi30k, 2 layers × 512 cells                  →  13,898,501 weights
 *
 * Figure 1 → Seq2Seq.encode(), Seq2Seq.decode()      Section 3.3, reversed source → TextPair.encodeSource()
 * Dimensions: B batch, S source time, T target time, R rows (B, or B · K beams), E embedding, H hidden, V target words.
 */
import { tf } from '@milestones/backend';
import {
  Dense,
  Dropout,
  Embedding,
  fanInUniform,
  lengthMask,
  Lstm,
  Module,
  normal,
  uniform,
  zeros,
  type Initializer,
  type LstmState,
  type RandomKey,
} from '@milestones/core';
import { translatorConfig, type TranslatorConfig, type TranslatorOptions, type TranslatorSize } from './config.ts';
import type { TextPair } from './text-pair.ts';

/** A batch of source sentences as the decoder sees it. */
export interface Encoded {
  /** What each row carries from word to word, [L, B, H]. */
  state: tf.Tensor3D;
  /** What all rows of a sentence look at, the sentence first: none, or annotations, keys and mask. */
  memory: tf.Tensor[];
}

/** One word further: see {@link Translator.advance}. */
export interface Advanced {
  /** Scores of the next word, [R, V]. */
  logits: tf.Tensor2D;
  /** [L, R, H] */
  state: tf.Tensor3D;
}

/** Logits and, where the model attends, how much of each source word every target word saw. */
export interface Decoded {
  /** Scores of the next word at every position, time first: [T, B, V]. */
  logits: tf.Tensor3D;
  /** α, [T, B, S]. */
  weights: tf.Tensor3D | undefined;
}

/** What the two models of this package have in common: text in, text out, an encoder and a decoder. */
export abstract class Translator extends Module {
  readonly config: TranslatorConfig;
  /** Languages and vocabularies, for models that translate text; saved with the weights. */
  text: TextPair | undefined;

  constructor(options: TranslatorOptions | TranslatorSize, kind: TranslatorConfig['kind']) {
    super();
    const config = translatorConfig(
      typeof options === 'string' ? options : ({ kind, ...options } as TranslatorOptions),
    );
    if (config.kind !== kind) {
      throw new Error(
        `seq2seq: a configuration of kind '${config.kind}' arrived for the model '${kind}'; use createTranslator.`,
      );
    }
    this.config = config;
  }

  /**
   * Reads source sentences.
   *
   * @param source int32 [B, S], padded behind each sentence
   * @param lengths int32 [B]
   */
  abstract encode(source: tf.Tensor2D, lengths: tf.Tensor1D, key?: RandomKey): Encoded;

  /**
   * Scores of the next word after every word of given translations (teacher forcing).
   *
   * @param previous int32 [B, T]: the start token and the words before each position
   */
  abstract decode(encoded: Encoded, previous: tf.Tensor2D, key?: RandomKey): Decoded;

  /**
   * Scores of the next word of rows whose last word is `previous`; for decoding without a reference.
   *
   * @param encoded its state belongs to the R rows, which are the K hypotheses of each sentence one after the other
   * @param previous int32 [R]
   */
  abstract advance(encoded: Encoded, previous: tf.Tensor1D): Advanced;
}

/**
 * Sutskever's model: p(y₁ … y_T | x) = Π p(y_t | v, y₁ … y_{t−1}), equation 1, where v is the state of the encoder's layers
 * after the last source word, from which the decoder's layers start.
 */
export class Seq2Seq extends Translator {
  readonly sourceEmbedding: Embedding;
  readonly targetEmbedding: Embedding;
  readonly encoder: Lstm;
  readonly decoder: Lstm;
  readonly head: Dense;
  readonly dropout: Dropout;

  /** @param options an architecture, or the name of one of the `sizes` */
  constructor(options: TranslatorOptions | TranslatorSize = {}) {
    super(options, 'plain');
    const { sourceVocabulary, targetVocabulary, embedding, hidden, layers, biases, dropout } = this.config;
    const { weights, recurrent, dense } = initializersOf(this.config);
    this.sourceEmbedding = new Embedding(sourceVocabulary, embedding, weights);
    this.targetEmbedding = new Embedding(targetVocabulary, embedding, weights);
    const lstm = { features: embedding, hidden, layers, biases, dropout, timeMajor: true, ...recurrent };
    this.encoder = new Lstm(lstm);
    this.decoder = new Lstm(lstm);
    this.head = new Dense(hidden, targetVocabulary, dense);
    this.dropout = new Dropout(dropout);
  }

  encode(source: tf.Tensor2D, lengths: tf.Tensor1D, key?: RandomKey): Encoded {
    const embedded = this.sourceEmbedding.forward(tf.transpose(source)); // [S, B, E]
    const x = this.dropout.forward(embedded, key?.fold('source'));
    const mask = tf.transpose(lengthMask(lengths, source.shape[1])); // [S, B]
    const { states } = this.encoder.forward(x, { mask, ...(key && { key: key.fold('encoder') }) });
    return { state: packStates(states), memory: [] };
  }

  decode(encoded: Encoded, previous: tf.Tensor2D, key?: RandomKey): Decoded {
    const embedded = this.targetEmbedding.forward(tf.transpose(previous)); // [T, B, E]
    const x = this.dropout.forward(embedded, key?.fold('target'));
    const states = unpackStates(encoded.state);
    // No mask: what follows the end token is padding, and its loss is not counted.
    const { outputs } = this.decoder.forward(x, { states, ...(key && { key: key.fold('decoder') }) }); // [T, B, H]
    const logits = this.head.forward(this.dropout.forward(outputs, key?.fold('output'))) as tf.Tensor3D; // [T, B, V]
    return { logits, weights: undefined };
  }

  advance(encoded: Encoded, previous: tf.Tensor1D): Advanced {
    const x = tf.expandDims(this.targetEmbedding.forward(previous), 0); // [1, R, E]
    const { outputs, states } = this.decoder.forward(x, { states: unpackStates(encoded.state) }); // [1, R, H]
    return { logits: tf.squeeze(this.head.forward(outputs), [0]), state: packStates(states) };
  }
}

/** Output and cell of each layer as one tensor, [2 L, B, H]. */
function packStates(states: readonly LstmState[]): tf.Tensor3D {
  return tf.stack(states.flatMap(({ output, cell }) => [output, cell])) as tf.Tensor3D;
}

function unpackStates(packed: tf.Tensor3D): LstmState[] {
  const parts = tf.unstack(packed); // 2 L times [B, H]
  return Array.from({ length: parts.length / 2 }, (_, layer) => ({
    output: parts[2 * layer]!,
    cell: parts[2 * layer + 1]!,
  }));
}

/** How the weights of a model begin, as options of the layers. */
export interface TranslatorInitializers {
  weights: { weightInitializer?: Initializer };
  recurrent: { initializer?: Initializer };
  dense: { weightInitializer?: Initializer; biasInitializer?: Initializer };
}

/** Of a configuration; `fanIn` is what the layers do when left alone, with embeddings N(0, 0.1²). */
export function initializersOf({ initialization }: TranslatorConfig): TranslatorInitializers {
  if (initialization === 'fanIn')
    return { weights: { weightInitializer: normal(0.1) }, recurrent: {}, dense: { weightInitializer: fanInUniform() } };
  if (initialization === 'uniform') {
    const all = uniform(-0.08, 0.08); // Section 3.4: all parameters, the biases too.
    return {
      weights: { weightInitializer: all },
      recurrent: { initializer: all },
      dense: { weightInitializer: all, biasInitializer: all },
    };
  }
  const weight = normal(0.01);
  const none = zeros();
  return {
    weights: { weightInitializer: weight },
    recurrent: { initializer: (shape, random) => (shape.length > 1 ? weight : none)(shape, random) },
    dense: { weightInitializer: weight, biasInitializer: none },
  };
}

/**
 * Neural machine translation by jointly learning to align and translate. Bahdanau, Cho and Bengio 2015, section 3.
 * Idea: the source is not squeezed into one vector; at each target word the decoder looks at the annotations of all
 * source words and takes their mean, weighted by how well each fits what it is about to write.
 *
 *   Multi30k, 512 units → 20,518,405 weights
 *
 * Section 3.1, equations 5 and 6, alignment model of A.1.2 → AdditiveAttention      Section 3.2 → AttentionSeq2Seq.encode()
 * Equation 4, section A.2.2 → AttentionSeq2Seq.decode(), readout()
 * Dimensions: B batch, S source time, T target time, K rows of a sentence (1, or beams), R = B · K, E embedding, H hidden,
 * A alignment, V target words.
 */
import { tf } from '@milestones/backend';
import { Dense, Dropout, Embedding, Gru, lengthMask, Module, type Initializer, type RandomKey } from '@milestones/core';
import { translatorConfig, type TranslatorOptions, type TranslatorSize } from './config.ts';
import { initializersOf, Seq2Seq, Translator, type Advanced, type Decoded, type Encoded } from './model.ts';

/** Weights of the {@link AdditiveAttention} of one query. */
export interface Attended {
  /** c, the mean of the annotations, [R, 2 H]. */
  context: tf.Tensor2D;
  /** α, [R, S]. */
  weights: tf.Tensor2D;
}

/** Attention by a small network: e_j = vᵀ tanh(W s + U h_j), α = softmax(e), c = Σ_j α_j h_j. Equations 5 and 6. */
export class AdditiveAttention extends Module {
  /** W and the bias. */
  readonly query: Dense;
  /** U. */
  readonly key: Dense;
  /** v. */
  readonly energy: Dense;

  constructor(
    queryFeatures: number,
    annotationFeatures: number,
    width: number,
    initializers: { weightInitializer?: Initializer; biasInitializer?: Initializer },
  ) {
    super();
    this.query = new Dense(queryFeatures, width, initializers);
    this.key = new Dense(annotationFeatures, width, { ...initializers, bias: false });
    this.energy = new Dense(width, 1, { ...initializers, bias: false });
  }

  /**
   * @param state s [R, H]: K rows of each sentence, one after the other
   * @param memory annotations h [B, S, 2 H], keys U h [B, S, A] and mask [B, S], 1 at words and 0 at padding
   */
  forward(state: tf.Tensor2D, [annotations, keys, mask]: readonly tf.Tensor[]): Attended {
    const [B, S, width] = keys!.shape as [number, number, number];
    const R = state.shape[0];
    const K = R / B;
    const queries = tf.reshape(this.query.forward(state), [B, K, 1, width]);
    const hidden = tf.tanh(tf.add(tf.expandDims(keys!, 1), queries)); // [B, K, S, A]
    const energies = tf.reshape(this.energy.forward(hidden), [B, K, S]);
    // Finite, so that rows of nothing but padding (which fill a batch up) stay numbers.
    const masked = tf.add(energies, tf.mul(tf.sub(tf.expandDims(mask!, 1), 1), 1e9));
    const weights = tf.softmax(masked); // [B, K, S]
    const context = tf.matMul(weights, annotations!); // [B, K, 2 H]
    return {
      context: tf.reshape(context, [R, -1]) as tf.Tensor2D,
      weights: tf.reshape(weights, [R, S]) as tf.Tensor2D,
    };
  }
}

/** Bahdanau's model (RNNsearch): a GRU that reads the source in both directions, and one that attends while it writes. */
export class AttentionSeq2Seq extends Translator {
  readonly sourceEmbedding: Embedding;
  readonly targetEmbedding: Embedding;
  readonly encoder: Gru;
  /** From the encoder's two last states to the decoder's first. */
  readonly bridge: Dense;
  readonly attention: AdditiveAttention;
  readonly decoder: Gru;
  /** The two halves of the maxout layer, if there is one. */
  readonly maxout: Dense | undefined;
  readonly head: Dense;
  readonly dropout: Dropout;

  /** @param options an architecture, or the name of one of the `sizes` */
  constructor(options: TranslatorOptions | TranslatorSize) {
    super(options, 'attention');
    const { sourceVocabulary, targetVocabulary, embedding, hidden, alignment, maxout, dropout } = this.config;
    const { weights, recurrent, dense } = initializersOf(this.config);
    this.sourceEmbedding = new Embedding(sourceVocabulary, embedding, weights);
    this.targetEmbedding = new Embedding(targetVocabulary, embedding, weights);
    this.encoder = new Gru({ features: embedding, hidden, bidirectional: true, timeMajor: true, ...recurrent });
    this.bridge = new Dense(2 * hidden, hidden, dense);
    this.attention = new AdditiveAttention(hidden, 2 * hidden, alignment === 0 ? hidden : alignment, dense);
    this.decoder = new Gru({ features: embedding + 2 * hidden, hidden, timeMajor: true, ...recurrent });
    const read = 3 * hidden + embedding;
    this.maxout = maxout === 0 ? undefined : new Dense(read, 2 * maxout, dense);
    this.head = new Dense(maxout === 0 ? read : maxout, targetVocabulary, dense);
    this.dropout = new Dropout(dropout);
  }

  encode(source: tf.Tensor2D, lengths: tf.Tensor1D, key?: RandomKey): Encoded {
    const embedded = this.sourceEmbedding.forward(tf.transpose(source)); // [S, B, E]
    const x = this.dropout.forward(embedded, key?.fold('source'));
    const mask = lengthMask(lengths, source.shape[1]); // [B, S]
    const { outputs, states } = this.encoder.forward(x, { mask: tf.transpose(mask) }); // [S, B, 2 H]
    const state = tf.tanh(this.bridge.forward(tf.concat(states, 1))); // [B, H]
    const annotations = tf.transpose(outputs, [1, 0, 2]); // [B, S, 2 H]
    // U h_j does not depend on the target word: once for all of them (A.1.2).
    const keys = this.attention.key.forward(annotations); // [B, S, A]
    return { state: tf.expandDims(state, 0), memory: [annotations, keys, mask] };
  }

  decode(encoded: Encoded, previous: tf.Tensor2D, key?: RandomKey): Decoded {
    const embedded = this.targetEmbedding.forward(tf.transpose(previous)); // [T, B, E]
    const words = tf.unstack(this.dropout.forward(embedded, key?.fold('target'))); // T times [B, E]
    let state = tf.squeeze(encoded.state, [0]) as tf.Tensor2D; // [B, H]
    const reads: tf.Tensor[] = [];
    const weights: tf.Tensor[] = [];
    for (const word of words) {
      const step = this.#step(state, word as tf.Tensor2D, encoded.memory);
      reads.push(step.read);
      weights.push(step.weights);
      state = step.state;
    }
    const logits = this.#readout(tf.stack(reads), key?.fold('output')) as tf.Tensor3D; // [T, B, V]
    return { logits, weights: tf.stack(weights) as tf.Tensor3D };
  }

  advance(encoded: Encoded, previous: tf.Tensor1D): Advanced {
    const state = tf.squeeze(encoded.state, [0]) as tf.Tensor2D; // [R, H]
    const step = this.#step(state, this.targetEmbedding.forward(previous) as tf.Tensor2D, encoded.memory);
    return { logits: this.#readout(step.read) as tf.Tensor2D, state: tf.expandDims(step.state, 0) };
  }

  /** s_t = GRU(s_{t−1}, [y_{t−1}; c_t]) with c_t from s_{t−1}; and all three of them, which the output reads. */
  #step(
    before: tf.Tensor2D,
    word: tf.Tensor2D,
    memory: readonly tf.Tensor[],
  ): { state: tf.Tensor2D; read: tf.Tensor2D; weights: tf.Tensor2D } {
    const { context, weights } = this.attention.forward(before, memory);
    const x = tf.expandDims(tf.concat([word, context], 1), 0); // [1, R, E + 2 H]
    const { states } = this.decoder.forward(x, { states: [before] });
    const state = states[0] as tf.Tensor2D; // [R, H]
    return { state, read: tf.concat([state, context, word], 1), weights };
  }

  /** From [.., 3 H + E] to the scores of the next word, [.., V]. */
  #readout(read: tf.Tensor, key?: RandomKey): tf.Tensor {
    if (this.maxout === undefined) return this.head.forward(this.dropout.forward(read, key));
    const [left, right] = tf.split(this.maxout.forward(read), 2, -1) as [tf.Tensor, tf.Tensor];
    return this.head.forward(this.dropout.forward(tf.maximum(left, right), key));
  }
}

/** The model of a configuration, of its kind. */
export function createTranslator(options: TranslatorOptions | TranslatorSize): Translator {
  const { kind } = translatorConfig(options);
  return kind === 'attention' ? new AttentionSeq2Seq(options) : new Seq2Seq(options);
}

/**
 * Translating: read the source, then write the most likely next word again and again, or keep several beginnings (beam
 * search). Sutskever et al. 2014, section 3.2. Sentences go in batches, and each step of a batch is one compiled graph.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import { beamSearch, type Hypothesis, type LikelyTokens } from '@milestones/core';
import type { Translator } from './model.ts';
import { specialTokens } from '@milestones/datasets';

/** Options of {@link SentenceDecoder.decode}. */
export interface DecodeOptions {
  /** Hypotheses kept of each sentence; 1 (default) is greedy decoding. */
  beams?: number;
  /** α of the length penalty ((5 + n) / 6)^α. Default 0.6; without effect on one beam. */
  lengthPenalty?: number;
  /** The most tokens of a translation, its end included. Default: twice the source plus 10, at most the model's maximum. */
  maximumLength?: number;
  /** Sentences translated together. Default 64. */
  batchSize?: number;
}

/** Source lengths are padded to multiples of this, so that few lengths need a graph of their own. */
const LENGTH_STEP = 4;
/** Words that greedy decoding writes by one call: a call costs as much as a fifth of a word. What follows an end is dropped. */
const GREEDY_WORDS = 5;
/** Words below are never written: padding, unknown and start token. */
const FIRST_WRITTEN = specialTokens.start + 1;

type AdvanceStep = CompiledStep<tf.Tensor[], { tokens: tf.Tensor; logProbabilities: tf.Tensor; state: tf.Tensor }>;

interface EncodeResult {
  [name: string]: tf.Tensor;
  state: tf.Tensor;
}

/**
 * Translates token sequences with one model. Keeps the compiled steps, so make one and use it again; the model's current
 * weights are used at each call.
 */
export class SentenceDecoder {
  readonly #model: Translator;
  readonly #encode: CompiledStep<[tf.Tensor2D, tf.Tensor1D], EncodeResult>;
  /** By the number of beams. */
  readonly #advance = new Map<number, AdvanceStep>();
  readonly #greedy: AdvanceStep;
  readonly #align: CompiledStep<[tf.Tensor2D, tf.Tensor1D, tf.Tensor2D], { weights: tf.Tensor }>;

  constructor(model: Translator) {
    this.#model = model;
    this.#encode = compile((source, lengths) => {
      const { state, memory } = model.encode(source, lengths);
      return { state, ...Object.fromEntries(memory.map((tensor, index) => [`memory${index}`, tensor])) };
    });
    this.#greedy = compile((...args: tf.Tensor[]) => greedyWords(model, args));
    this.#align = compile((source, lengths, previous) => {
      const { weights } = model.decode(model.encode(source, lengths), previous);
      if (weights === undefined) {
        throw new Error('alignments: this model has no attention; use a model of kind attention.');
      }
      return { weights };
    });
  }

  /**
   * @param sources token sequences as the encoder reads them, each ending with the end token
   * @returns of each source its hypotheses, the best first
   */
  async decode(sources: readonly ArrayLike<number>[], options: DecodeOptions = {}): Promise<Hypothesis[][]> {
    const { batchSize = 64 } = options;
    const limit = this.#model.config.maximumLength;
    sources.forEach((source, index) => checkSource(source, index, limit));
    return this.#evaluating(async () => {
      // Sentences of like length together: less padding.
      const order = sources.map((_, index) => index).toSorted((a, b) => sources[a]!.length - sources[b]!.length);
      const found: Hypothesis[][] = [];
      for (let from = 0; from < order.length; from += batchSize) {
        const part = order.slice(from, from + batchSize);
        // A last batch that is smaller is filled up, or it would be compiled for its size alone.
        const size = sources.length <= batchSize ? part.length : batchSize;
        const results = await this.#decodeBatch(
          part.map((index) => sources[index]!),
          size,
          options,
        );
        part.forEach((index, place) => {
          found[index] = results[place]!;
        });
      }
      return found;
    });
  }

  /**
   * How much of each source token every token of a translation saw: α, one row a target token (the end token included).
   *
   * @throws when the model has no attention
   */
  async alignments(source: ArrayLike<number>, target: readonly number[]): Promise<Float32Array[]> {
    checkSource(source, 0, this.#model.config.maximumLength);
    return this.#evaluating(async () => {
      const args: [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D] = [
        tf.tensor2d(Int32Array.from(source), [1, source.length], 'int32'),
        tf.tensor1d([source.length], 'int32'),
        tf.tensor2d([[specialTokens.start, ...target]], undefined, 'int32'),
      ];
      const { weights } = await this.#align(...args);
      const values = await weights.data<'float32'>(); // [T, 1, S]
      tf.dispose([...args, weights]);
      return Array.from({ length: target.length + 1 }, (_, t) =>
        values.slice(t * source.length, (t + 1) * source.length),
      );
    });
  }

  /** Frees what the engine keeps for the steps. */
  async dispose(): Promise<void> {
    for (const step of [this.#encode, this.#align, this.#greedy, ...this.#advance.values()]) await step.dispose();
  }

  async #decodeBatch(sources: ArrayLike<number>[], size: number, options: DecodeOptions): Promise<Hypothesis[][]> {
    const { beams = 1, lengthPenalty, maximumLength } = options;
    const limit = this.#model.config.maximumLength;
    const longest = Math.max(...sources.map((source) => source.length));
    const S = Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP;
    const source = new Int32Array(size * S).fill(specialTokens.padding);
    const lengths = new Int32Array(size).fill(1);
    sources.forEach((sentence, row) => {
      source.set(Int32Array.from(sentence), row * S);
      lengths[row] = sentence.length;
    });
    // A row that only fills the batch is done after one word.
    const maximum = Int32Array.from({ length: size }, (_, row) =>
      row < sources.length ? (maximumLength ?? Math.min(limit, 2 * lengths[row]! + 10)) : 1,
    );
    const inputs: [tf.Tensor2D, tf.Tensor1D] = [tf.tensor2d(source, [size, S], 'int32'), tf.tensor1d(lengths, 'int32')];
    const { state: first, ...others } = await this.#encode(...inputs);
    tf.dispose(inputs);
    const memory = Object.keys(others)
      .toSorted()
      .map((name) => others[name]!);
    let state = repeatRows(first, beams);
    const advance = async (step: AdvanceStep, ...rows: tf.Tensor1D[]): Promise<LikelyTokens> => {
      const next = await step(...rows, state, ...memory);
      tf.dispose([state, ...rows]);
      state = next.state;
      const [tokens, logProbabilities] = await Promise.all([
        next.tokens.data<'int32'>(),
        next.logProbabilities.data<'float32'>(),
      ]);
      tf.dispose([next.tokens, next.logProbabilities]);
      return { tokens, logProbabilities };
    };
    // Words that were written and not asked for yet; a row that goes on goes on with them.
    let ahead: LikelyTokens[] = [];
    const greedily = async (previous: Int32Array): Promise<LikelyTokens> => {
      if (ahead.length === 0) {
        const { tokens, logProbabilities } = await advance(this.#greedy, tf.tensor1d(previous, 'int32'));
        ahead = Array.from({ length: GREEDY_WORDS }, (_, word) => ({
          tokens: (tokens as Int32Array).subarray(word * size, (word + 1) * size),
          logProbabilities: logProbabilities.subarray(word * size, (word + 1) * size),
        }));
      }
      return ahead.shift()!;
    };
    try {
      const hypotheses = await beamSearch({
        sentences: size,
        beams,
        maximumLength: maximum,
        startToken: specialTokens.start,
        endToken: specialTokens.end,
        ...(lengthPenalty !== undefined && { lengthPenalty }),
        step: (previous, origins) =>
          beams === 1
            ? greedily(previous)
            : advance(this.#advanceStep(beams), tf.tensor1d(previous, 'int32'), tf.tensor1d(origins, 'int32')),
      });
      return hypotheses.slice(0, sources.length);
    } finally {
      tf.dispose([state, ...memory]);
    }
  }

  /** Last words [R], origins [R], state [L, R, H] and the memory → the K likeliest next words [R, K] with ln p, and the state. */
  #advanceStep(beams: number): AdvanceStep {
    const known = this.#advance.get(beams);
    if (known !== undefined) return known;
    const model = this.#model;
    const count = Math.min(model.config.targetVocabulary - FIRST_WRITTEN, beams);
    const step: AdvanceStep = compile((...args: tf.Tensor[]) => {
      const [previous, origins, state, ...memory] = args as [tf.Tensor1D, tf.Tensor1D, tf.Tensor3D, ...tf.Tensor[]];
      const reordered = tf.gather(state, origins, 1);
      const advanced = model.advance({ state: reordered, memory }, previous);
      return { ...likeliest(advanced.logits, count), state: advanced.state };
    });
    this.#advance.set(beams, step);
    return step;
  }

  async #evaluating<Result>(work: () => Promise<Result>): Promise<Result> {
    const wasTraining = this.#model.training;
    this.#model.eval();
    try {
      return await work();
    } finally {
      if (wasTraining) this.#model.train();
    }
  }
}

/** The `count` likeliest words of each row that may be written, [R, count], the likeliest first. */
function likeliest(logits: tf.Tensor2D, count: number): { tokens: tf.Tensor; logProbabilities: tf.Tensor } {
  // Among all words: leaving some out changes none of the others' probabilities.
  const all = tf.logSoftmax(logits); // [R, V]
  const written = tf.slice(all, [0, FIRST_WRITTEN], [-1, -1]);
  const { values, indices } = tf.topk(written, count);
  return { tokens: tf.add(indices, tf.scalar(FIRST_WRITTEN, 'int32')), logProbabilities: values };
}

/** Greedy decoding, some words in one go: each row's likeliest word is its next input, [R] → [n, R]. */
function greedyWords(model: Translator, args: tf.Tensor[]): Record<'tokens' | 'logProbabilities' | 'state', tf.Tensor> {
  const [first, before, ...memory] = args as [tf.Tensor1D, tf.Tensor3D, ...tf.Tensor[]];
  let [previous, state] = [first, before];
  const words: { tokens: tf.Tensor; logProbabilities: tf.Tensor }[] = [];
  for (let word = 0; word < GREEDY_WORDS; word++) {
    const advanced = model.advance({ state, memory }, previous);
    const { tokens, logProbabilities } = likeliest(advanced.logits, 1); // [R, 1]
    previous = tf.squeeze(tokens, [1]);
    state = advanced.state;
    words.push({ tokens: previous, logProbabilities: tf.squeeze(logProbabilities, [1]) });
  }
  return {
    tokens: tf.stack(words.map(({ tokens }) => tokens)), // [n, R]
    logProbabilities: tf.stack(words.map(({ logProbabilities }) => logProbabilities)),
    state,
  };
}

/** The rows of each sentence K times, [L, B, H] → [L, B · K, H]; frees what came in. */
function repeatRows(state: tf.Tensor, beams: number): tf.Tensor {
  if (beams === 1) return state;
  return tf.tidy(() => {
    const [L, B, H] = state.shape as [number, number, number];
    const repeated = tf.reshape(tf.tile(tf.expandDims(state, 2), [1, 1, beams, 1]), [L, B * beams, H]);
    state.dispose();
    return repeated;
  });
}

function checkSource(source: ArrayLike<number>, index: number, limit: number): void {
  if (source.length >= 1 && source.length <= limit) return;
  throw new Error(
    `seq2seq: sentence ${index} has ${source.length} tokens, its end token included, and the model takes 1 to ${limit}; ` +
      (source.length === 0 ? 'leave empty sentences out.' : 'split it, or use a model of larger maximumLength.'),
  );
}

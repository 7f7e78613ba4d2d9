/**
 * Translating: encode the sources, then let beam search write the targets. Vaswani et al. 2017, section 6.1.
 */
import { beamSearch, type Hypothesis } from '@milestones/core';
import { specialTokens } from '@milestones/datasets';
import { IncrementalDecoder } from './decoder.ts';
import type { Transformer } from './model.ts';

/** Options of {@link translate} and {@link translateTokens}; the defaults are the paper's. */
export interface TranslateOptions {
  /** Hypotheses kept for each sentence; 1 is greedy decoding. Default 4. */
  beams?: number;
  /** α: larger numbers prefer longer translations. Default 0.6. */
  lengthPenalty?: number;
  /** A translation may be this many tokens longer than its source. Default 50. */
  extraTokens?: number;
  /** Sentences translated together. Default 32. */
  batchSize?: number;
  /** After each batch: how many sentences are done. */
  onProgress?: (done: number) => void;
}

/**
 * Translates token sequences. Sentences of like length are decoded together, in batches of one size.
 *
 * @param sources token ids with the end token
 * @returns the best hypothesis of each, in the order of the sources
 * @throws when a source is empty, longer than the model's maximum or has an id outside its vocabulary
 */
export async function translateTokens(
  model: Transformer,
  sources: readonly ArrayLike<number>[],
  options: TranslateOptions = {},
): Promise<Hypothesis[]> {
  const { beams = 4, lengthPenalty = 0.6, extraTokens = 50, batchSize = 32, onProgress } = options;
  for (const [name, value] of Object.entries({ beams, extraTokens, batchSize })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`translate: ${name} is ${value}; give a whole number of at least 1.`);
    }
  }
  checkSources(model, sources);
  if (sources.length === 0) return [];
  const { maximumLength } = model.config;
  const order = Array.from(sources.keys()).toSorted((a, b) => sources[a]!.length - sources[b]!.length || a - b);
  const sentences = Math.min(batchSize, sources.length);
  const best: Hypothesis[] = [];
  const wasTraining = model.training;
  model.eval();
  const decoder = new IncrementalDecoder(model, sentences, beams);
  try {
    for (let start = 0; start < order.length; start += sentences) {
      const rows = order.slice(start, start + sentences);
      const batch = rows.map((index) => sources[index]!);
      // A last batch that is too small is filled up, so that it needs no step of its own.
      const filled = Array.from({ length: sentences }, (_, row) => batch[row]?.length ?? 0);
      await decoder.start(batch);
      const found = await beamSearch({
        sentences,
        beams,
        lengthPenalty,
        maximumLength: filled.map((length) => (length === 0 ? 1 : Math.min(length + extraTokens, maximumLength))),
        startToken: specialTokens.start,
        endToken: specialTokens.end,
        step: (tokens, origins) => decoder.step(tokens, origins),
      });
      for (const [row, index] of rows.entries()) best[index] = found[row]![0]!;
      onProgress?.(start + rows.length);
    }
  } finally {
    await decoder.dispose();
    if (wasTraining) model.train();
  }
  return best;
}

/**
 * Translates sentences. The model must know its tokenizers (`Transformer.fromPretrained` sets them).
 *
 * @throws when a sentence is empty or too long for the model
 */
export async function translate(
  model: Transformer,
  sentences: readonly string[],
  options: TranslateOptions = {},
): Promise<string[]> {
  const { tokenizers } = model;
  if (tokenizers === undefined) {
    throw new Error('translate: this model has no tokenizers; set model.tokenizers, or use translateTokens.');
  }
  const sources = sentences.map((sentence, index) => {
    const ids = tokenizers.source.encode(sentence);
    if (ids.length === 0) throw new Error(`translate: sentence ${index} is empty; give some text.`);
    return sourceTokens(ids);
  });
  const found = await translateTokens(model, sources, options);
  return found.map(({ tokens }) => tokenizers.target.decode(tokens));
}

/** A source as the encoder reads it: `ids` and the end token. */
export function sourceTokens(ids: ArrayLike<number>): Int32Array {
  return Int32Array.from([...Array.from(ids), specialTokens.end]);
}

function checkSources(model: Transformer, sources: readonly ArrayLike<number>[]): void {
  const { maximumLength, sourceVocabulary } = model.config;
  for (const [index, source] of sources.entries()) {
    if (source.length === 0 || source.length > maximumLength) {
      throw new Error(
        `translate: sentence ${index} has ${source.length} tokens, its end token included; this model reads 1 to ` +
          `${maximumLength}. Split or shorten it.`,
      );
    }
    for (let place = 0; place < source.length; place++) {
      const id = source[place]!;
      if (!Number.isInteger(id) || id < 0 || id >= sourceVocabulary) {
        throw new Error(
          `translate: token ${place} of sentence ${index} is ${id}; this model's source vocabulary is 0 to ` +
            `${sourceVocabulary - 1}. Use the tokenizer that was saved with the model.`,
        );
      }
    }
  }
}

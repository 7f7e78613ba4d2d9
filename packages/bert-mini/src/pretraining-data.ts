/** Batches to pre-train on: full sequences of a fixed length, with words hidden. Devlin et al. 2018, section 3.1. */
import { Random } from '@milestones/core';
import { ShuffledBatches, type WordPieceTokenizer } from '@milestones/datasets';
import type { PretrainingConfig } from './config.ts';
import { maskTokens } from './masking.ts';

/** One batch; rows follow each other. */
export interface PretrainingBatch {
  /** [B, T] */
  tokens: Int32Array;
  /** [B, T] */
  segments: Int32Array;
  /** Places of the hidden words among B · T positions, [M]; M is the same for every batch. */
  places: Int32Array;
  /** What stood there, [M]. */
  labels: Int32Array;
  /** 0 where the second part follows the first, 1 where it is of another document, [B]. */
  elsewhere: Int32Array;
}

/** What {@link PretrainingBatches} needs. */
export interface PretrainingBatchesOptions {
  /** Token ids of each document, without frames. */
  documents: readonly Int32Array[];
  tokenizer: WordPieceTokenizer;
  config: Pick<PretrainingConfig, 'batchSize' | 'length' | 'maskRate' | 'masking' | 'nextSentence'>;
  seed: number;
  stream: string;
}

/**
 * Documents cut into pieces: `[CLS] piece [SEP]`, or with next sentences `[CLS] piece [SEP] piece [SEP]`, of which the second
 * follows the first or, half of the time, comes from another document. What is left of a document behind its last full piece
 * is not used. Batch `step` depends on (seed, stream, step) alone.
 */
export class PretrainingBatches {
  /** Hidden words in each sequence. */
  readonly hidden: number;
  readonly batchesPerEpoch: number;
  readonly #options: PretrainingBatchesOptions;
  readonly #pieces: { document: number; start: number }[] = [];
  readonly #pieceLength: number;
  readonly #order: ShuffledBatches;
  readonly #special: ReadonlySet<number>;

  /** @throws when the text has no full sequence */
  constructor(options: PretrainingBatchesOptions) {
    this.#options = options;
    const { documents, tokenizer, config, seed, stream } = options;
    const { length, nextSentence, maskRate, batchSize } = config;
    this.#pieceLength = nextSentence ? Math.floor((length - 3) / 2) : length - 2;
    this.hidden = Math.max(1, Math.round(maskRate * length));
    this.#special = new Set(Object.values(tokenizer.special));
    documents.forEach((ids, document) => {
      const needed = nextSentence ? 2 * this.#pieceLength : this.#pieceLength;
      for (let start = 0; start + needed <= ids.length; start += this.#pieceLength) {
        const open = ids.subarray(start, start + needed).reduce((sum, id) => sum + (this.#special.has(id) ? 0 : 1), 0);
        // Sequences of unknown words would have too few to hide.
        if (open >= Math.ceil(needed / 2)) this.#pieces.push({ document, start });
      }
    });
    if (this.#pieces.length < batchSize || this.#pieceLength < 2) {
      throw new Error(
        `pre-training: the text has ${this.#pieces.length} sequences of ${length} tokens and a batch ${batchSize}; ` +
          'give more text, or choose a smaller pretraining.length or pretraining.batchSize.',
      );
    }
    this.#order = new ShuffledBatches({ examples: this.#pieces.length, batchSize, seed, stream, dropLast: true });
    this.batchesPerEpoch = this.#order.batchesPerEpoch;
  }

  /** Batch `step`, counted from 0 over all epochs. */
  at(step: number): PretrainingBatch {
    const { tokenizer, config, seed, stream } = this.#options;
    const { batchSize: B, length: T, masking, maskRate: rate } = config;
    const batch: PretrainingBatch = {
      tokens: new Int32Array(B * T).fill(tokenizer.special.padding),
      segments: new Int32Array(B * T),
      places: new Int32Array(B * this.hidden),
      labels: new Int32Array(B * this.hidden),
      elsewhere: new Int32Array(B),
    };
    this.#order.at(step).forEach((piece, row) => {
      const random = new Random(
        seed,
        `${stream} ${masking === 'fixed' ? `piece ${piece}` : `step ${step} row ${row}`}`,
      );
      const { ids, second, elsewhere } = this.#sequence(piece, random);
      const masked = maskTokens(ids, random, {
        rate,
        most: this.hidden,
        mask: tokenizer.special.mask,
        vocabularySize: tokenizer.vocabularySize,
        isFixed: (id) => this.#special.has(id),
      });
      batch.tokens.set(masked.tokens, row * T);
      if (second > 0) batch.segments.fill(1, row * T + second, row * T + ids.length);
      batch.elsewhere[row] = elsewhere;
      for (let index = 0; index < this.hidden; index++) {
        // Where fewer words can be hidden, the last counts twice: shapes are fixed.
        const from = Math.min(index, masked.places.length - 1);
        batch.places[row * this.hidden + index] = row * T + masked.places[from]!;
        batch.labels[row * this.hidden + index] = masked.labels[from]!;
      }
    });
    return batch;
  }

  #sequence(piece: number, random: Random): { ids: Int32Array; second: number; elsewhere: number } {
    const { documents, tokenizer, config } = this.#options;
    const { start: cls, separator } = tokenizer.special;
    const length = this.#pieceLength;
    const { document, start } = this.#pieces[piece]!;
    const first = documents[document]!.subarray(start, start + length);
    if (!config.nextSentence) return { ids: Int32Array.of(cls, ...first, separator), second: 0, elsewhere: 0 };
    let other = { document, start: start + length };
    let elsewhere = 0;
    const isOther = ({ document: found }: { document: number }): boolean => found !== document;
    if (random.uniform() < 0.5) {
      // A few draws: a corpus of one document has no other.
      for (let draws = 0; draws < 16 && elsewhere === 0; draws++) {
        const drawn = this.#pieces[random.integer(this.#pieces.length)]!;
        if (isOther(drawn)) [other, elsewhere] = [drawn, 1];
      }
    }
    const second = documents[other.document]!.subarray(other.start, other.start + length);
    return { ids: Int32Array.of(cls, ...first, separator, ...second, separator), second: length + 2, elsewhere };
  }
}

/**
 * Loss of guessing each word by its frequency alone, in nats: what a model without context reaches.
 *
 *   H = −mean ln p(label),   p from counts of the training text, one added to each
 */
export function unigramLoss(documents: readonly Int32Array[], labels: Int32Array, vocabularySize: number): number {
  const counts = new Float64Array(vocabularySize).fill(1);
  for (const ids of documents) for (const id of ids) counts[id]!++;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return -labels.reduce((sum, id) => sum + Math.log(counts[id]! / total), 0) / labels.length;
}

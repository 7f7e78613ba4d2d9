/**
 * Batches of sentence pairs of like length. Sutskever et al. 2014, section 3.4: without that, most of a batch is padding.
 *
 * Dimensions: B rows, S source time, T target time.
 */
import { Random } from '@milestones/core';
import { bucketBounds } from './length-buckets.ts';
import { checkStep } from './step.ts';

/** Token ids of sentences; `source[i]` and `target[i]` are a pair. Start and end tokens are the caller's to add. */
export interface TokenPairs {
  readonly source: readonly ArrayLike<number>[];
  readonly target: readonly ArrayLike<number>[];
}

/** The lengths that a bucket's sentences are padded to. */
export type BucketShape = readonly [sourceLength: number, targetLength: number];

/** What {@link TranslationBatches} needs. */
export interface TranslationBatchesOptions {
  pairs: TokenPairs;
  /** Rows of every batch; or give `tokensPerBatch`. */
  batchSize?: number | undefined;
  /**
   * In place of `batchSize`: the most tokens per batch, padding included, of source and target each, as the Transformer
   * paper counts; short sentences then make batches of more rows.
   */
  tokensPerBatch?: number | undefined;
  /**
   * Into how many buckets the pairs are parted, those of least padding (default 6); or their shapes, for example the
   * `buckets` of other batches: a pair belongs to the first in which it fits. A compiled step is traced once per bucket.
   */
  buckets?: number | readonly BucketShape[];
  seed: number;
  /** Whether pairs and batches come in a random order, another in each epoch. Default true. */
  shuffle?: boolean;
  /** The most tokens that source or target may have, such as the number of positions that a model knows. */
  maximumLength?: number | undefined;
  /** What a longer pair does: `refuse` (default) throws, `skip` leaves it out. */
  longer?: 'refuse' | 'skip';
  /** Id that fills sentences up. Default 0, `specialTokens.padding`. */
  padding?: number;
  /** Tells orders of one seed apart. Default `translation`. */
  stream?: string;
}

/** One batch. All batches of a bucket have the same shapes: rows that have no pair are padding, and of length 0. */
export interface TranslationBatch {
  /** Which pair each row is, int32 [B]; −1 where there is none. */
  readonly indices: Int32Array;
  /** Int32 [B, S], flat. */
  readonly source: Int32Array;
  /** Int32 [B, T], flat. */
  readonly target: Int32Array;
  /** Int32 [B], without padding. */
  readonly sourceLengths: Int32Array;
  /** Int32 [B], without padding. */
  readonly targetLengths: Int32Array;
  readonly shapes: { readonly source: [B: number, S: number]; readonly target: [B: number, T: number] };
  /** How many rows have a pair; they come first. */
  readonly sentences: number;
}

/** Where a {@link TranslationBatches} stands, as plain JSON for a checkpoint. */
export interface TranslationBatchesState {
  kind: 'translation-batches';
  pairCount: number;
  tokenCount: number;
  batchSize?: number;
  tokensPerBatch?: number;
  buckets: [number, number][];
  seed: number;
  shuffle: boolean;
  maximumLength?: number;
  longer: 'refuse' | 'skip';
  padding: number;
  stream: string;
  cursor: number;
}

interface Bucket {
  readonly shape: BucketShape;
  readonly rows: number;
  /** Indices of its pairs. */
  readonly members: Uint32Array;
}

/**
 * All pairs once per epoch, in batches of one bucket each; every epoch has as many batches, in an order of its own. A batch
 * is a function of (seed, stream, step) alone, so a run that stops in the middle of an epoch resumes with the pairs that were
 * still to come.
 */
export class TranslationBatches {
  readonly pairs: TokenPairs;
  /** The shapes that sentences are padded to, shortest first. */
  readonly buckets: readonly BucketShape[];
  /** Batches in one epoch. */
  readonly batchesPerEpoch: number;
  /** How many pairs were left out for their length. */
  readonly skipped: number;
  /** The step of the batch that {@link next} gives next, counted over all epochs. */
  cursor = 0;
  readonly #options: Omit<TranslationBatchesOptions, 'pairs' | 'buckets'>;
  readonly #buckets: readonly Bucket[];
  readonly #random: Random;
  readonly #padding: number;
  // The order of one epoch, kept because most calls ask for the same epoch as the one before.
  #order: { epoch: number; batches: readonly { bucket: Bucket; indices: Uint32Array }[] } | undefined;

  /** @throws when an option is out of range, or a pair is empty, too long, or fits into no bucket; the message names it */
  constructor(options: TranslationBatchesOptions) {
    const { pairs, buckets = 6, ...rest } = options;
    this.pairs = pairs;
    this.#options = rest;
    this.#padding = options.padding ?? 0;
    const rowsOf = checkSizes(options);
    const kept = checkPairs(options);
    this.skipped = pairs.source.length - kept.length;
    this.buckets = typeof buckets === 'number' ? chooseBuckets(pairs, kept, buckets) : buckets;
    const members: number[][] = this.buckets.map(() => []);
    for (const pair of kept) members[this.#bucketOf(pair)]!.push(pair);
    this.#buckets = this.buckets.map((shape, index) => ({
      shape,
      rows: rowsOf(shape),
      members: Uint32Array.from(members[index]!),
    }));
    this.batchesPerEpoch = this.#buckets.reduce((sum, { rows, members: own }) => sum + Math.ceil(own.length / rows), 0);
    this.#random = new Random(options.seed, options.stream ?? 'translation');
  }

  /**
   * Continues where `state` was taken.
   *
   * @param pairs the same pairs as then; they are not part of the state
   * @throws when `state` is not of this kind, or was taken with other pairs
   */
  static fromState(pairs: TokenPairs, state: TranslationBatchesState): TranslationBatches {
    if (state?.kind !== 'translation-batches') {
      throw new Error(
        `TranslationBatches.fromState: a state of kind ${JSON.stringify(state?.kind)} arrived; give what state() returned.`,
      );
    }
    const [count, tokens] = [pairs.source.length, countTokens(pairs)];
    if (state.pairCount !== count || state.tokenCount !== tokens) {
      throw new Error(
        `TranslationBatches.fromState: the state was taken with ${state.pairCount} pairs of ${state.tokenCount} tokens, but ` +
          `there are ${count} of ${tokens}; resume with the same data and tokenizer, or start a new run.`,
      );
    }
    const batches = new TranslationBatches({ ...state, pairs });
    batches.cursor = checkStep('TranslationBatches.fromState', state.cursor);
    return batches;
  }

  /** The epoch that `step` belongs to, counted from 0. */
  epochOf(step: number): number {
    return Math.floor(checkStep('TranslationBatches.epochOf', step) / this.batchesPerEpoch);
  }

  /** Batch `step`, counted from 0 over all epochs. Does not move the cursor. */
  at(step: number): TranslationBatch {
    const epoch = this.epochOf(step);
    if (this.#order?.epoch !== epoch) this.#order = { epoch, batches: this.#orderOf(epoch) };
    const { bucket, indices } = this.#order.batches[step - epoch * this.batchesPerEpoch]!;
    const { rows } = bucket;
    const [S, T] = bucket.shape;
    const { source, target } = this.pairs;
    const sides = {
      source: pad(source, indices, rows, S, this.#padding),
      target: pad(target, indices, rows, T, this.#padding),
    };
    const padded = new Int32Array(rows).fill(-1);
    padded.set(indices);
    return {
      indices: padded,
      source: sides.source.ids,
      target: sides.target.ids,
      sourceLengths: sides.source.lengths,
      targetLengths: sides.target.lengths,
      shapes: { source: [rows, S], target: [rows, T] },
      sentences: indices.length,
    };
  }

  /** The batch at the cursor; moves the cursor to the next. */
  next(): TranslationBatch {
    const batch = this.at(this.cursor);
    this.cursor++;
    return batch;
  }

  /** All but the pairs that {@link fromState} needs to continue. */
  state(): TranslationBatchesState {
    const { seed, batchSize, tokensPerBatch, maximumLength } = this.#options;
    const { shuffle = true, longer = 'refuse', stream = 'translation' } = this.#options;
    return {
      kind: 'translation-batches',
      pairCount: this.pairs.source.length,
      tokenCount: countTokens(this.pairs),
      ...(batchSize !== undefined && { batchSize }),
      ...(tokensPerBatch !== undefined && { tokensPerBatch }),
      buckets: this.buckets.map(([S, T]) => [S, T]),
      seed,
      shuffle,
      ...(maximumLength !== undefined && { maximumLength }),
      longer,
      padding: this.#padding,
      stream,
      cursor: this.cursor,
    };
  }

  #bucketOf(pair: number): number {
    const [sourceLength, targetLength] = [this.pairs.source[pair]!.length, this.pairs.target[pair]!.length];
    const found = this.buckets.findIndex(([S, T]) => sourceLength <= S && targetLength <= T);
    if (found < 0) {
      const shapes = this.buckets.map(([S, T]) => `[${S}, ${T}]`).join(' ');
      throw new Error(
        `TranslationBatches: pair ${pair} has ${sourceLength} source and ${targetLength} target tokens, and fits into none ` +
          `of the buckets ${shapes}; give a longer last bucket, or a number of buckets.`,
      );
    }
    return found;
  }

  #orderOf(epoch: number): { bucket: Bucket; indices: Uint32Array }[] {
    const random = this.#random.fork(String(epoch));
    const shuffle = this.#options.shuffle ?? true;
    const batches = this.#buckets.flatMap((bucket, index) => {
      const { members, rows } = bucket;
      const order = shuffle ? random.fork(`bucket ${index}`).permutation(members.length) : undefined;
      const pairs = order === undefined ? members : members.map((_, place) => members[order[place]!]!);
      return Array.from({ length: Math.ceil(pairs.length / rows) }, (_, batch) => ({
        bucket,
        indices: pairs.slice(batch * rows, (batch + 1) * rows),
      }));
    });
    return shuffle ? Array.from(random.permutation(batches.length), (place) => batches[place]!) : batches;
  }
}

function pad(
  sentences: readonly ArrayLike<number>[],
  indices: Uint32Array,
  rows: number,
  length: number,
  padding: number,
): { ids: Int32Array; lengths: Int32Array } {
  const ids = new Int32Array(rows * length).fill(padding);
  const lengths = new Int32Array(rows);
  for (const [row, index] of indices.entries()) {
    const sentence = sentences[index]!;
    ids.set(sentence, row * length);
    lengths[row] = sentence.length;
  }
  return { ids, lengths };
}

function countTokens({ source, target }: TokenPairs): number {
  return [...source, ...target].reduce((sum, sentence) => sum + sentence.length, 0);
}

function chooseBuckets({ source, target }: TokenPairs, kept: readonly number[], count: number): BucketShape[] {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(`TranslationBatches: ${count} buckets were asked for; give a whole number of at least 1.`);
  }
  const longest = kept.map((pair) => Math.max(source[pair]!.length, target[pair]!.length));
  const bounds = bucketBounds(longest, count);
  const shapes = bounds.map((): [number, number] => [1, 1]);
  for (const [place, pair] of kept.entries()) {
    const shape = shapes[bounds.findIndex((bound) => longest[place]! <= bound)]!;
    shape[0] = Math.max(shape[0], source[pair]!.length);
    shape[1] = Math.max(shape[1], target[pair]!.length);
  }
  return shapes;
}

/** Returns how many rows a bucket's batches have. */
function checkSizes(options: TranslationBatchesOptions): (shape: BucketShape) => number {
  const { batchSize, tokensPerBatch, maximumLength } = options;
  const sizes = Object.entries({ batchSize, tokensPerBatch, maximumLength });
  for (const [name, value] of sizes) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      throw new Error(`TranslationBatches: ${name} is ${value}; give a whole number of at least 1.`);
    }
  }
  if ((batchSize === undefined) === (tokensPerBatch === undefined)) {
    throw new Error(
      `TranslationBatches: batchSize ${batchSize} and tokensPerBatch ${tokensPerBatch} arrived; give one of the two.`,
    );
  }
  return ([S, T]) => batchSize ?? Math.max(1, Math.floor(tokensPerBatch! / Math.max(S, T)));
}

/** Returns the indices of the pairs that take part. */
function checkPairs({ pairs, maximumLength = Infinity, longer = 'refuse' }: TranslationBatchesOptions): number[] {
  const { source, target } = pairs;
  if (source.length !== target.length) {
    throw new Error(
      `TranslationBatches: ${source.length} source and ${target.length} target sentences arrived; they are pairs, give as many.`,
    );
  }
  const kept: number[] = [];
  for (let pair = 0; pair < source.length; pair++) {
    const lengths = { source: source[pair]!.length, target: target[pair]!.length };
    for (const [side, length] of Object.entries(lengths)) {
      if (length === 0) {
        throw new Error(`TranslationBatches: the ${side} of pair ${pair} has no tokens; leave the pair out.`);
      }
      if (length > maximumLength && longer === 'refuse') {
        throw new Error(
          `TranslationBatches: the ${side} of pair ${pair} has ${length} tokens, and the maximum is ${maximumLength}; ` +
            "shorten it, raise the maximum of the model, or leave such pairs out with longer: 'skip'.",
        );
      }
    }
    if (Math.max(lengths.source, lengths.target) <= maximumLength) kept.push(pair);
  }
  if (kept.length === 0) {
    throw new Error(
      `TranslationBatches: none of ${source.length} pairs can be used; give pairs` +
        `${maximumLength === Infinity ? '' : ` of at most ${maximumLength} tokens`}.`,
    );
  }
  return kept;
}

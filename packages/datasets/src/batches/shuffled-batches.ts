import { Random } from '@milestones/core';
import { checkStep } from './step.ts';

/** What {@link ShuffledBatches} needs. */
export interface ShuffledBatchesOptions {
  /** How many examples there are, N. */
  examples: number;
  /** Examples per batch, at most N. */
  batchSize: number;
  seed: number;
  /** Leaves out an epoch's last batch where it would be smaller than the others. Default false. */
  dropLast?: boolean;
  /** Tells orders of one seed apart. Default `shuffle`. */
  stream?: string;
}

/** Where a {@link ShuffledBatches} stands, as plain JSON for a checkpoint. */
export interface ShuffledBatchesState {
  kind: 'shuffled-batches';
  examples: number;
  batchSize: number;
  seed: number;
  dropLast: boolean;
  stream: string;
  cursor: number;
}

/**
 * The examples 0 to N − 1 in batches, epoch after epoch, each epoch in a random order of its own. A batch is a function
 * of (seed, stream, step) alone, so a run that stops in the middle of an epoch resumes with exactly the examples that
 * were still to come.
 */
export class ShuffledBatches {
  readonly examples: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly dropLast: boolean;
  readonly stream: string;
  /** Batches in one epoch: N / batch size, rounded down with `dropLast` and up without. */
  readonly batchesPerEpoch: number;
  /** The step of the batch that {@link next} gives next, counted over all epochs. */
  cursor = 0;
  readonly #random: Random;
  // The order of one epoch, kept because most calls ask for the same epoch as the one before.
  #order: { epoch: number; indices: Uint32Array } | undefined;

  constructor(options: ShuffledBatchesOptions) {
    const { examples, batchSize, seed, dropLast = false, stream = 'shuffle' } = options;
    if (!Number.isSafeInteger(examples) || examples < 1) {
      throw new Error(`ShuffledBatches: ${examples} examples arrived; give a whole number of at least 1.`);
    }
    if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > examples) {
      throw new Error(
        `ShuffledBatches: the batch size ${batchSize} arrived for ${examples} examples; ` +
          `give a whole number from 1 to ${examples}.`,
      );
    }
    this.examples = examples;
    this.batchSize = batchSize;
    this.seed = seed;
    this.dropLast = dropLast;
    this.stream = stream;
    this.batchesPerEpoch = dropLast ? Math.floor(examples / batchSize) : Math.ceil(examples / batchSize);
    this.#random = new Random(seed, stream);
  }

  /**
   * Continues where `state` was taken.
   *
   * @param examples how many examples there are now, compared with the state's
   * @throws when `state` is not of this kind, or was taken with another number of examples
   */
  static fromState(examples: number, state: ShuffledBatchesState): ShuffledBatches {
    if (state?.kind !== 'shuffled-batches') {
      throw new Error(
        `ShuffledBatches.fromState: a state of kind ${JSON.stringify(state?.kind)} arrived; give what state() returned.`,
      );
    }
    if (state.examples !== examples) {
      throw new Error(
        `ShuffledBatches.fromState: the state was taken with ${state.examples} examples, but there are ${examples}; ` +
          'resume with the same data, or start a new run.',
      );
    }
    const batches = new ShuffledBatches(state);
    batches.cursor = checkStep('ShuffledBatches.fromState', state.cursor);
    return batches;
  }

  /** The epoch that `step` belongs to, counted from 0. */
  epochOf(step: number): number {
    return Math.floor(checkStep('ShuffledBatches.epochOf', step) / this.batchesPerEpoch);
  }

  /** The examples of batch `step`, counted from 0 over all epochs. Does not move the cursor. */
  at(step: number): Uint32Array {
    const epoch = this.epochOf(step);
    if (this.#order?.epoch !== epoch) {
      this.#order = { epoch, indices: this.#random.fork(String(epoch)).permutation(this.examples) };
    }
    const start = (step - epoch * this.batchesPerEpoch) * this.batchSize;
    return this.#order.indices.slice(start, start + this.batchSize);
  }

  /** The batch at the cursor; moves the cursor to the next. */
  next(): Uint32Array {
    const batch = this.at(this.cursor);
    this.cursor++;
    return batch;
  }

  /** All that {@link fromState} needs to continue. */
  state(): ShuffledBatchesState {
    const { examples, batchSize, seed, dropLast, stream, cursor } = this;
    return { kind: 'shuffled-batches', examples, batchSize, seed, dropLast, stream, cursor };
  }
}

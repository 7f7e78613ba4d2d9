import { Random } from '@milestones/core';
import { checkStep } from './step.ts';

/** Token ids, as a tokenizer or a compact file holds them. */
export type TokenArray = Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** What {@link RandomWindows} needs. */
export interface RandomWindowsOptions {
  tokens: TokenArray;
  /** Windows per batch, B. */
  batchSize: number;
  /** Tokens per window, T. */
  context: number;
  seed: number;
  /** Tells batches of one seed apart, for example `train` from `validation`. Default `windows`. */
  stream?: string;
}

/** One batch for a language model; window b occupies positions b·T to (b + 1)·T − 1 of both arrays. */
export interface WindowBatch {
  /** Shape [B, T], flat. */
  inputs: Int32Array;
  /** Shape [B, T], flat: at each position the token that follows the input there. */
  targets: Int32Array;
  batchSize: number;
  context: number;
}

/** Where a {@link RandomWindows} stands, as plain JSON for a checkpoint. */
export interface RandomWindowsState {
  kind: 'random-windows';
  seed: number;
  stream: string;
  batchSize: number;
  context: number;
  tokenCount: number;
  cursor: number;
}

/**
 * Batches of windows at random places of a text. Every batch is a function of (seed, stream, step) alone: asking for
 * step 700 does not need steps 0 to 699, and a resumed run sees exactly the batches it would have seen.
 *
 * A window starts at any of the `tokens.length` − T places that leave a target for its last token, all equally likely.
 */
export class RandomWindows {
  readonly tokens: TokenArray;
  readonly batchSize: number;
  readonly context: number;
  readonly seed: number;
  readonly stream: string;
  /** The step of the batch that {@link next} gives next. */
  cursor = 0;
  readonly #random: Random;

  constructor(options: RandomWindowsOptions) {
    const { tokens, batchSize, context, seed, stream = 'windows' } = options;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new Error(`RandomWindows: the batch size ${batchSize} arrived; give a whole number of at least 1.`);
    }
    if (!Number.isSafeInteger(context) || context < 1) {
      throw new Error(`RandomWindows: the context ${context} arrived; give a whole number of at least 1.`);
    }
    if (tokens.length <= context) {
      throw new Error(
        `RandomWindows: ${tokens.length} tokens arrived for a context of ${context}; a window and its last target need ` +
          `${context + 1}. Give a longer text, or a context of at most ${Math.max(tokens.length - 1, 0)}.`,
      );
    }
    this.tokens = tokens;
    this.batchSize = batchSize;
    this.context = context;
    this.seed = seed;
    this.stream = stream;
    this.#random = new Random(seed, stream);
  }

  /**
   * Continues where `state` was taken, on the same tokens.
   *
   * @throws when `state` is not of this kind, or was taken with another number of tokens
   */
  static fromState(tokens: TokenArray, state: RandomWindowsState): RandomWindows {
    if (state?.kind !== 'random-windows') {
      throw new Error(
        `RandomWindows.fromState: a state of kind ${JSON.stringify(state?.kind)} arrived; give what state() returned.`,
      );
    }
    if (state.tokenCount !== tokens.length) {
      throw new Error(
        `RandomWindows.fromState: the state was taken with ${state.tokenCount} tokens, but ${tokens.length} arrived; ` +
          'resume with the same data and tokenizer, or start a new run.',
      );
    }
    const { batchSize, context, seed, stream } = state;
    const windows = new RandomWindows({ tokens, batchSize, context, seed, stream });
    windows.cursor = checkStep('RandomWindows.fromState', state.cursor);
    return windows;
  }

  /** The batch of `step`, counted from 0. Does not move the cursor. */
  at(step: number): WindowBatch {
    const { tokens, batchSize, context } = this;
    const random = this.#random.fork(String(checkStep('RandomWindows.at', step)));
    const inputs = new Int32Array(batchSize * context);
    const targets = new Int32Array(batchSize * context);
    for (let row = 0; row < batchSize; row++) {
      const start = random.integer(tokens.length - context);
      inputs.set(tokens.subarray(start, start + context), row * context);
      targets.set(tokens.subarray(start + 1, start + 1 + context), row * context);
    }
    return { inputs, targets, batchSize, context };
  }

  /** The batch at the cursor; moves the cursor to the next. */
  next(): WindowBatch {
    const batch = this.at(this.cursor);
    this.cursor++;
    return batch;
  }

  /** All but the tokens that {@link fromState} needs to continue. */
  state(): RandomWindowsState {
    const { seed, stream, batchSize, context, cursor } = this;
    return { kind: 'random-windows', seed, stream, batchSize, context, tokenCount: this.tokens.length, cursor };
  }
}

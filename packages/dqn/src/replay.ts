/**
 * Replay memory. Lin 1992; Mnih et al. 2013, section 4 ("experience replay"), 2015, methods.
 * Idea: learn from moves drawn at random from the last N, so that consecutive updates are not about the same scene.
 *
 * Each frame is stored once, as bytes where it is made of bytes; a state of k frames is stacked when it is drawn. A stack
 * never reaches over the beginning of an episode: what would lie before it is zero. One million frames of 84 × 84 take
 * 7.06 GB, where states of four frames, before and after each move, would take 56.
 *
 *   slot i:  frame i | action, reward and end of the move made there
 *   A truncated episode has one slot more, for the frame it was left in: its value still counts. A terminated one has
 *   none, since nothing follows.
 */
import type { Random, TensorData } from '@milestones/core';
import type { Observation, ObservationSpace } from './environments/environment.ts';
import { interleave, sizeOf } from './frame-stack.ts';

/** Options of {@link ReplayMemory}. */
export interface ReplayOptions {
  /** Shape and type of one frame; [H, W, C] or [features]. */
  space: ObservationSpace;
  /** Slots: how many of the latest moves are kept, less one for each truncated episode among them. */
  capacity: number;
  /** k, frames in a state. Default 1. */
  stack?: number;
  /** The most memory that may be asked for, in bytes. Default 2 GiB. */
  maximumBytes?: number;
}

/** Moves, drawn from the memory. States are [B, …shape of a frame], with k times the last size where frames are stacked. */
export interface Batch {
  size: number;
  states: Float32Array;
  actions: Int32Array;
  rewards: Float32Array;
  nextStates: Float32Array;
  /** 1 where the move ended the task, so that nothing follows; a truncated episode is none of these. */
  terminated: Float32Array;
}

/** Where a memory stands; plain JSON, beside the tensors of {@link ReplayMemory.tensors}. */
export interface ReplayState {
  /** Slots ever begun. */
  written: number;
  /** Whether the newest slot waits for its move. */
  open: boolean;
}

/** The frame is the first of its episode. */
const FIRST = 1;
/** A move was made at this frame. */
const MOVE = 2;
/** That move ended the task. */
const TERMINATED = 4;

const defaultMaximumBytes = 2 * 2 ** 30;
/** Frames lie in pieces of at most this size, for engines that limit the length of an array to 4 GB or less. */
const pieceBytes = 256 * 2 ** 20;

/** See the file's head. */
export class ReplayMemory {
  readonly space: ObservationSpace;
  readonly capacity: number;
  /** k, frames in a state. */
  readonly stack: number;
  readonly #frameSize: number;
  readonly #framesPerPiece: number;
  readonly #pieces: Observation[];
  readonly #actions: Uint8Array;
  readonly #rewards: Float32Array;
  readonly #flags: Uint8Array;
  #written = 0;
  #open = false;

  /** @throws where it would take more than `maximumBytes`, or more than there is */
  constructor({ space, capacity, stack = 1, maximumBytes = defaultMaximumBytes }: ReplayOptions) {
    if (!Number.isSafeInteger(capacity) || capacity < stack + 1) {
      throw new Error(`ReplayMemory: a capacity of ${capacity} arrived; give a whole number of at least ${stack + 1}.`);
    }
    const needed = replayBytes(space, capacity);
    const frameBytes = replayBytes(space, 1);
    if (needed > maximumBytes) {
      throw new Error(
        `ReplayMemory: ${capacity.toLocaleString('en-US')} frames of [${space.shape.join(', ')}] take ${inWords(needed)}, ` +
          `and ${inWords(maximumBytes)} are allowed; lower the capacity to ${Math.floor(maximumBytes / frameBytes).toLocaleString('en-US')}, ` +
          'or allow more.',
      );
    }
    this.space = space;
    this.capacity = capacity;
    this.stack = stack;
    this.#frameSize = sizeOf(space);
    this.#framesPerPiece = Math.max(1, Math.floor(pieceBytes / (this.#frameSize * bytesOf(space))));
    const NewArray = space.type === 'uint8' ? Uint8Array : Float32Array;
    try {
      this.#pieces = Array.from(
        { length: Math.ceil(capacity / this.#framesPerPiece) },
        (_, piece) =>
          new NewArray(Math.min(this.#framesPerPiece, capacity - piece * this.#framesPerPiece) * this.#frameSize),
      );
    } catch (error) {
      throw new Error(
        `ReplayMemory: ${inWords(needed)} could not be allocated (${(error as Error).message}); lower the capacity.`,
        { cause: error },
      );
    }
    this.#actions = new Uint8Array(capacity);
    this.#rewards = new Float32Array(capacity);
    this.#flags = new Uint8Array(capacity);
  }

  /** Bytes that the memory takes when it is full; all of it is reserved from the start. */
  get bytes(): number {
    return replayBytes(this.space, this.capacity);
  }

  /** Slots in use. */
  get size(): number {
    return Math.min(this.#written, this.capacity);
  }

  /** Values of one state: those of k frames. */
  get stateSize(): number {
    return this.#frameSize * this.stack;
  }

  /** Begins an episode with its first frame. One that was not ended before counts as cut off. */
  begin(frame: Observation): void {
    this.#append(frame, FIRST);
  }

  /**
   * Adds the move that was made at the latest frame, and what it led to.
   *
   * @param ended what the environment said; after either end, the next call is `begin`
   * @throws where no episode has begun
   */
  add(
    action: number,
    reward: number,
    ended: { terminated: boolean; truncated: boolean },
    nextFrame: Observation,
  ): void {
    if (!this.#open) throw new Error('ReplayMemory.add: no episode has begun; call begin(first frame) first.');
    const slot = (this.#written - 1) % this.capacity;
    this.#actions[slot] = action;
    this.#rewards[slot] = reward;
    this.#flags[slot]! |= ended.terminated ? MOVE | TERMINATED : MOVE;
    if (ended.terminated) {
      this.#open = false;
      return;
    }
    this.#append(nextFrame, 0);
    if (ended.truncated) this.#open = false;
  }

  /** The state that the agent is in: the latest frame and those before it in its episode. */
  current(): Float32Array {
    if (this.#written === 0)
      throw new Error('ReplayMemory.current: no episode has begun; call begin(first frame) first.');
    const state = new Float32Array(this.stateSize);
    this.#stackInto(state, 0, this.#written - 1);
    return state;
  }

  /**
   * Draws B moves, each independently of the others.
   *
   * @throws where the memory holds none
   */
  sample(random: Random, batchSize: number): Batch {
    return this.#gather(Array.from({ length: batchSize }, () => this.#draw(random)));
  }

  /** The latest move alone, B = 1: learning without replay. */
  latest(): Batch {
    for (let at = this.#written - 1; at >= this.#oldest; at--) if (this.#usable(at)) return this.#gather([at]);
    throw noMoves();
  }

  /** Where the memory stands, for a checkpoint. */
  state(): ReplayState {
    return { written: this.#written, open: this.#open };
  }

  /** The memory's content, for a checkpoint: live arrays, of the slots in use only. */
  tensors(): Record<string, TensorData> {
    const used = this.size;
    const record: Record<string, TensorData> = {
      actions: { dtype: 'uint8', shape: [used], data: this.#actions.subarray(0, used) },
      rewards: { dtype: 'float32', shape: [used], data: this.#rewards.subarray(0, used) },
      flags: { dtype: 'uint8', shape: [used], data: this.#flags.subarray(0, used) },
    };
    this.#pieces.forEach((piece, index) => {
      const frames = Math.min(this.#framesPerPiece, used - index * this.#framesPerPiece);
      if (frames <= 0) return;
      const data = piece.subarray(0, frames * this.#frameSize);
      const shape = [frames, ...this.space.shape];
      record[`frames.${index}`] =
        data instanceof Uint8Array ? { dtype: 'uint8', shape, data } : { dtype: 'float32', shape, data };
    });
    return record;
  }

  /** Continues where `state()` and `tensors()` were taken. @throws where they are of another memory */
  restore(state: ReplayState, tensors: Readonly<Record<string, TensorData>>): void {
    const used = Math.min(state.written, this.capacity);
    const own: [string, Observation][] = [
      ['actions', this.#actions],
      ['rewards', this.#rewards],
      ['flags', this.#flags],
      ...this.#pieces.map((piece, index) => [`frames.${index}`, piece] as [string, Observation]),
    ];
    for (const [name, array] of own) {
      const index = name.startsWith('frames.') ? Number(name.slice('frames.'.length)) : undefined;
      const wanted =
        index === undefined
          ? used
          : Math.max(0, Math.min(this.#framesPerPiece, used - index * this.#framesPerPiece)) * this.#frameSize;
      const arrived = tensors[name]?.data.length ?? 0;
      if (arrived !== wanted || (arrived > 0 && tensors[name]!.data.constructor !== array.constructor)) {
        throw new Error(
          `ReplayMemory.restore: '${name}' came with ${arrived} values and should have ${wanted}; restore with the ` +
            'capacity and the frames that the memory was saved with.',
        );
      }
    }
    for (const [name, array] of own) {
      if (tensors[name] !== undefined) array.set(tensors[name].data as Observation);
    }
    this.#written = state.written;
    this.#open = state.open;
  }

  /** The number of the oldest slot that is still there; slots are numbered from the first ever. */
  get #oldest(): number {
    return Math.max(0, this.#written - this.capacity);
  }

  #append(frame: Observation, flags: number): void {
    if (frame.length !== this.#frameSize) {
      throw new Error(
        `ReplayMemory: a frame of ${frame.length} values arrived; frames are [${this.space.shape.join(', ')}], ` +
          `${this.#frameSize} values.`,
      );
    }
    const slot = this.#written % this.capacity;
    const piece = this.#pieces[Math.floor(slot / this.#framesPerPiece)]!;
    piece.set(frame, (slot % this.#framesPerPiece) * this.#frameSize);
    this.#flags[slot] = flags;
    this.#written++;
    this.#open = true;
  }

  #flag(at: number): number {
    return this.#flags[at % this.capacity]!;
  }

  /** Whether slot `at` has a move, and every frame of its state is still there. */
  #usable(at: number): boolean {
    if ((this.#flag(at) & MOVE) === 0) return false;
    for (let frame = at; frame > at - this.stack + 1; frame--) {
      if ((this.#flag(frame) & FIRST) !== 0) return true;
      if (frame - 1 < this.#oldest) return false;
    }
    return true;
  }

  #draw(random: Random): number {
    const oldest = this.#oldest;
    // Nearly every slot is usable; a memory with a single move among many slots is the worst case.
    for (let attempt = 0; attempt < 100 * this.capacity; attempt++) {
      if (this.#written === 0) break;
      const at = oldest + random.integer(this.#written - oldest);
      if (this.#usable(at)) return at;
    }
    throw noMoves();
  }

  #gather(slots: readonly number[]): Batch {
    const size = slots.length;
    const batch: Batch = {
      size,
      states: new Float32Array(size * this.stateSize),
      actions: new Int32Array(size),
      rewards: new Float32Array(size),
      nextStates: new Float32Array(size * this.stateSize),
      terminated: new Float32Array(size),
    };
    slots.forEach((at, row) => {
      const slot = at % this.capacity;
      const terminated = (this.#flags[slot]! & TERMINATED) !== 0;
      batch.actions[row] = this.#actions[slot]!;
      batch.rewards[row] = this.#rewards[slot]!;
      batch.terminated[row] = terminated ? 1 : 0;
      this.#stackInto(batch.states, row * this.stateSize, at);
      if (!terminated) this.#stackInto(batch.nextStates, row * this.stateSize, at + 1);
    });
    return batch;
  }

  /** Writes the state of slot `at`: k frames, the oldest first, interleaved along the last axis as layout NHWC asks. */
  #stackInto(target: Float32Array, offset: number, at: number): void {
    const [k, size] = [this.stack, this.#frameSize];
    const depth = this.space.shape.length > 1 ? this.space.shape.at(-1)! : size;
    for (let back = 0; back < k; back++) {
      const slot = (at - back) % this.capacity;
      const piece = this.#pieces[Math.floor(slot / this.#framesPerPiece)]!;
      const from = (slot % this.#framesPerPiece) * size;
      if (k === 1) {
        target.set(piece.subarray(from, from + size), offset);
      } else {
        interleave(piece, from, size, depth, target, offset, k, k - 1 - back);
      }
      if ((this.#flags[slot]! & FIRST) !== 0) return; // What lies before stays zero.
      if (at - back === 0) return;
    }
  }
}

/** Bytes of a replay memory: the frames, and six for each move. */
export function replayBytes(space: ObservationSpace, capacity: number): number {
  return capacity * (sizeOf(space) * bytesOf(space) + 6);
}

function bytesOf({ type }: ObservationSpace): number {
  return type === 'uint8' ? 1 : 4;
}

function inWords(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function noMoves(): Error {
  return new Error('ReplayMemory: there is no move to learn from yet; add some before the first update.');
}

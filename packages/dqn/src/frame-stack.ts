/** States of several frames: the memory stacks them when it draws, an agent while it acts. Mnih et al. 2013, section 4.1. */
import type { Observation, ObservationSpace } from './environments/environment.ts';

/**
 * The last k frames of an episode, for an agent that acts and does not learn; the same states that `ReplayMemory`
 * stacks.
 */
export class FrameStack {
  readonly #space: ObservationSpace;
  readonly #k: number;
  #frames: Observation[] = [];

  constructor(space: ObservationSpace, k: number) {
    this.#space = space;
    this.#k = k;
  }

  /** Begins an episode. */
  begin(frame: Observation): Float32Array {
    this.#frames = [];
    return this.add(frame);
  }

  /** Adds a frame, and returns the state. */
  add(frame: Observation): Float32Array {
    const [k, size] = [this.#k, sizeOf(this.#space)];
    this.#frames = [...this.#frames, frame.slice()].slice(-k);
    if (k === 1) return Float32Array.from(frame);
    const depth = this.#space.shape.length > 1 ? this.#space.shape.at(-1)! : size;
    const state = new Float32Array(size * k);
    this.#frames.toReversed().forEach((one, back) => interleave(one, 0, size, depth, state, 0, k, k - 1 - back));
    return state;
  }
}

/** Shape of a state of k frames: their last axes one after the other. */
export function stackedShape({ shape }: ObservationSpace, k: number): number[] {
  return [...shape.slice(0, -1), shape.at(-1)! * k];
}

/**
 * Writes one frame of a stack: after each of its pixels there is room for the same pixel of the others, as layout NHWC asks.
 *
 * @param place which of the k frames it is, 0 the oldest
 */
export function interleave(
  source: Observation,
  from: number,
  size: number,
  depth: number,
  target: Float32Array,
  offset: number,
  k: number,
  place: number,
): void {
  for (let pixel = 0; pixel < size / depth; pixel++) {
    const to = offset + pixel * depth * k + place * depth;
    for (let channel = 0; channel < depth; channel++) target[to + channel] = source[from + pixel * depth + channel]!;
  }
}

/** Numbers in one frame. */
export function sizeOf({ shape }: ObservationSpace): number {
  return shape.reduce((product, size) => product * size, 1);
}

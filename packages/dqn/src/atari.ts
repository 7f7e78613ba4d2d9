/**
 * From the frames of an Atari console to what the network sees. Mnih et al. 2013, section 4.1; 2015, methods,
 * "preprocessing". Idea: throw away what the eye does not need either.
 *
 *   frames of one move → brighter of the last two (sprites flicker) → luminance → 84 × 84 → stack of 4 (in the replay memory)
 *   rewards → their sign          a lost life → the end of an episode, while learning
 */
import { Random } from '@milestones/core';
import type { AnyEnvironment, Info, Reset, Step } from './environments/environment.ts';
import type { Picture } from './picture/picture.ts';

/** The pixel-wise maximum of two frames: a sprite that is drawn in every other frame only is then always there. */
export function maximumOfFrames(first: Uint8Array, second: Uint8Array): Uint8Array {
  return first.map((value, index) => Math.max(value, second[index]!));
}

/** RGB [H, W, 3] → luminance [H, W]: Y = 0.299 R + 0.587 G + 0.114 B, rounded (Rec. 601). */
export function luminance(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const at = 3 * pixel;
    grey[pixel] = Math.round(0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!);
  }
  return grey;
}

/**
 * Resizes a grey picture: each new pixel is the mean of the area that it covers, weighted by how much of each old pixel
 * lies in it. For smaller pictures; no thin line gets lost.
 */
export function resizeArea(
  grey: Uint8Array,
  from: { height: number; width: number },
  to: { height: number; width: number },
): Uint8Array {
  const rows = shares(from.height, to.height);
  const columns = shares(from.width, to.width);
  const resized = new Uint8Array(to.height * to.width);
  rows.forEach((rowShares, row) => {
    columns.forEach((columnShares, column) => {
      let sum = 0;
      for (const [y, tall] of rowShares) {
        for (const [x, wide] of columnShares) sum += tall * wide * grey[y * from.width + x]!;
      }
      resized[row * to.width + column] = Math.round(sum);
    });
  });
  return resized;
}

/** For each new pixel along one axis, the old ones that it covers and their shares, which sum to 1. */
function shares(from: number, to: number): [index: number, share: number][][] {
  const ratio = from / to;
  return Array.from({ length: to }, (_, place) => {
    const [start, end] = [place * ratio, (place + 1) * ratio];
    const covered: [number, number][] = [];
    for (let index = Math.floor(start); index < Math.min(from, Math.ceil(end)); index++) {
      const share = (Math.min(end, index + 1) - Math.max(start, index)) / ratio;
      if (share > 1e-9) covered.push([index, share]);
    }
    return covered;
  });
}

/** Side of the frames that the network sees. */
const side = 84;
/** Height before the lower part is taken, 2013. */
const fullHeight = 110;
/** Rows above the playing field, 2013; the paper says "roughly". */
const rowsAbove = 18;

/** A frame of the console → a frame of 84 × 84. */
export function preprocessFrame(
  rgb: Uint8Array,
  size: { height: number; width: number },
  crop: '2013' | '2015' = '2015',
): Uint8Array {
  const grey = luminance(rgb);
  if (crop === '2015') return resizeArea(grey, size, { height: side, width: side });
  const tall = resizeArea(grey, size, { height: fullHeight, width: side });
  return tall.slice(rowsAbove * side, (rowsAbove + side) * side);
}

/** Options of {@link AtariEnvironment}. */
export interface AtariOptions {
  /** Frames for each move; the papers: 4, and 3 for Space Invaders. Default 4. */
  frameSkip?: number;
  /** How 84 × 84 comes about; see `preprocessFrame`. Default 2015. */
  crop?: '2013' | '2015';
  /** Whether a lost life ends the episode: for learning, not for evaluation. Default true. */
  lifeLossEnds?: boolean;
  /** Whether the reward is its sign only; the points are then in `info.score`. Default true. */
  rewardSign?: boolean;
  /** A game begins with up to that many moves of doing nothing, so that games differ. 2015: 30; 2013: 0. Default 30. */
  waits?: number;
}

/**
 * An environment of raw frames [H, W, 3] as the papers' agents see it: observations [84, 84, 1]. `info.score` is what the
 * move earned in the game's own points, and `info.gameOver` 1 where the game itself has ended: after a lost life alone,
 * `reset` goes on with the same game.
 */
export class AtariEnvironment implements AnyEnvironment {
  readonly name: string;
  readonly space = { shape: [side, side, 1], type: 'uint8' } as const;
  readonly actions: readonly string[];
  readonly framesPerStep: number;
  readonly #frames: AnyEnvironment;
  readonly #size: { height: number; width: number };
  readonly #options: Required<AtariOptions>;
  #lives = 0;
  /** Whether only a life was lost: the game goes on. */
  #goesOn = false;
  #latest: Uint8Array | undefined;
  /** Whether the latest move has ended the game. */
  #ended = false;
  #random = new Random(0, 'waits');

  /** @param frames one that shows every frame: no frame skip of its own */
  constructor(frames: AnyEnvironment, options: AtariOptions = {}) {
    const [height = 0, width = 0, channels] = frames.space.shape;
    if (channels !== 3 || frames.space.type !== 'uint8' || frames.space.shape.length !== 3) {
      throw new Error(
        `AtariEnvironment: ${frames.name} shows ${frames.space.type} of shape [${frames.space.shape.join(', ')}]; it must ` +
          'show frames in RGB, uint8 of shape [H, W, 3].',
      );
    }
    this.#frames = frames;
    this.#size = { height, width };
    this.#options = { frameSkip: 4, crop: '2015', lifeLossEnds: true, rewardSign: true, waits: 30, ...options };
    if (!Number.isInteger(this.#options.frameSkip) || this.#options.frameSkip < 1) {
      throw new Error(`AtariEnvironment: a frame skip of ${this.#options.frameSkip} arrived; give at least 1.`);
    }
    this.name = frames.name;
    this.actions = frames.actions;
    this.framesPerStep = this.#options.frameSkip;
  }

  async reset(seed?: number): Promise<Reset> {
    if (this.#goesOn && seed === undefined) {
      this.#goesOn = false;
      const { observation, info } = await this.#play(0); // The first action of every Atari game is to do nothing.
      if (!this.#ended) return { observation, info };
    }
    this.#goesOn = false;
    if (seed !== undefined) this.#random = new Random(seed, 'waits');
    const { observation, info } = await this.#frames.reset(seed);
    this.#latest = observation as Uint8Array;
    this.#lives = info['lives'] ?? 0;
    let reset: Reset = { observation: this.#see(this.#latest), info };
    for (let wait = this.#random.integer(this.#options.waits + 1); wait > 0; wait--) {
      reset = await this.#play(0);
      if (this.#ended) return this.reset(); // The game was over before it began.
    }
    return { observation: reset.observation, info: reset.info };
  }

  async step(action: number): Promise<Step> {
    const step = await this.#play(action);
    this.#goesOn = step.terminated && step.info['gameOver'] === 0;
    return step;
  }

  /** The frame as a human would see it. */
  picture(): Picture {
    const { width, height } = this.#size;
    return { width, height, data: this.#latest ?? new Uint8Array(width * height * 3) };
  }

  close(): void | Promise<void> {
    return this.#frames.close?.();
  }

  async #play(action: number): Promise<Step> {
    const { frameSkip, lifeLossEnds, rewardSign } = this.#options;
    let [before, latest] = [this.#latest!, this.#latest!];
    let [score, terminated, truncated] = [0, false, false];
    let info: Info = {};
    for (let frame = 0; frame < frameSkip && !terminated && !truncated; frame++) {
      const step = await this.#frames.step(action);
      [before, latest] = [latest, step.observation as Uint8Array];
      score += step.reward;
      ({ terminated, truncated, info } = step);
    }
    this.#ended = terminated || truncated;
    this.#latest = latest;
    const lives = info['lives'] ?? 0;
    const lostLife = lives < this.#lives;
    this.#lives = lives;
    return {
      observation: this.#see(frameSkip > 1 ? maximumOfFrames(before, latest) : latest),
      reward: rewardSign ? Math.sign(score) : score,
      terminated: terminated || (lifeLossEnds && lostLife && !truncated),
      truncated,
      info: { ...info, score, gameOver: this.#ended ? 1 : 0 },
    };
  }

  #see(rgb: Uint8Array): Uint8Array {
    return preprocessFrame(rgb, this.#size, this.#options.crop);
  }
}

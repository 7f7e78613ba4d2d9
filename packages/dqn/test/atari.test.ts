import { describe, expect, it } from 'vitest';
import {
  AtariEnvironment,
  luminance,
  maximumOfFrames,
  preprocessFrame,
  resizeArea,
  type AnyEnvironment,
  type AtariOptions,
  type Step,
} from '../src/index.ts';

const [height, width] = [210, 160];

/**
 * Frames that are generated: all of one grey, the number of frames seen; a sprite at (100, 80) in every other frame. A life
 * is lost after frames 10 and 20, the game after frame 30. Every frame is worth 3 points.
 */
function generatedFrames(): AnyEnvironment & { asked: (number | undefined)[] } {
  let frame = 0;
  let lives = 3;
  const asked: (number | undefined)[] = [];
  const observation = (): Uint8Array => {
    const pixels = new Uint8Array(height * width * 3).fill(frame);
    if (frame % 2 === 1) pixels.set([255, 255, 255], (100 * width + 80) * 3);
    return pixels;
  };
  return {
    name: 'generated',
    space: { shape: [height, width, 3], type: 'uint8' },
    actions: ['wait', 'fire'],
    asked,
    reset(seed) {
      asked.push(seed);
      [frame, lives] = [0, 3];
      return { observation: observation(), info: { lives } };
    },
    step(): Step {
      frame++;
      if (frame % 10 === 0) lives--;
      const info = { lives };
      return { observation: observation(), reward: 3, terminated: lives === 0, truncated: false, info };
    },
  };
}

const atari = (options: AtariOptions = {}) => {
  const frames = generatedFrames();
  return { frames, environment: new AtariEnvironment(frames, { waits: 0, ...options }) };
};

/** The grey of most pixels. */
const grey = (observation: ArrayLike<number>): number => observation[0]!;

describe('frames', () => {
  it('become luminance by the weights of Rec. 601', () => {
    expect([...luminance(Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30))]).toEqual([76, 150, 29, 18]);
  });

  it('keep what is in either of two', () => {
    expect([...maximumOfFrames(Uint8Array.of(1, 9, 3), Uint8Array.of(4, 2, 3))]).toEqual([4, 9, 3]);
  });

  it('are shrunk by the mean of what each pixel covers', () => {
    const size = { height: 2, width: 6 };
    const pixels = Uint8Array.of(0, 0, 10, 10, 200, 100, 0, 0, 30, 30, 0, 100);
    expect([...resizeArea(pixels, size, { height: 1, width: 3 })]).toEqual([0, 20, 100]);
    expect([...resizeArea(Uint8Array.of(0, 90, 60), { height: 1, width: 3 }, { height: 1, width: 2 })]).toEqual([
      30, 70,
    ]);
    const flat = new Uint8Array(height * width).fill(77);
    expect(new Set(resizeArea(flat, { height, width }, { height: 84, width: 84 }))).toEqual(new Set([77]));
  });

  it('of 2013 lose what is above and below, those of 2015 are shrunk as a whole', () => {
    const rows = new Uint8Array(height * width * 3).map((_, index) => Math.floor(index / (width * 3)));
    const early = preprocessFrame(rows, { height, width }, '2013');
    const late = preprocessFrame(rows, { height, width });
    expect([early.length, late.length]).toEqual([84 * 84, 84 * 84]);
    expect([grey(early), early.at(-1)]).toEqual([35, 193]); // Rows 18 to 101 of 110.
    expect([grey(late), late.at(-1)]).toEqual([1, 208]);
  });
});

describe('AtariEnvironment', () => {
  it('makes four frames of a move, and shows the brighter of the last two', async () => {
    const { environment } = atari();
    const { observation } = await environment.reset(1);
    expect([observation.length, grey(observation)]).toEqual([84 * 84, 0]);
    const step = await environment.step(1);
    expect(grey(step.observation)).toBe(4);
    expect(Math.max(...step.observation)).toBeGreaterThan(40); // The sprite of frame 3 has not flickered away.
    expect(step.reward).toBe(1);
    expect(step.info['score']).toBe(12);
    expect(environment.framesPerStep).toBe(4);
    expect(environment.picture()).toMatchObject({ width, height });
  });

  it('ends an episode with a life, and goes on with the same game after it', async () => {
    const { frames, environment } = atari();
    await environment.reset(5);
    const ends: (number | undefined)[] = [];
    for (let move = 0; move < 12 && ends.length < 3; move++) {
      const step = await environment.step(0);
      if (!step.terminated) continue;
      ends.push(step.info['gameOver']);
      if (ends.length < 3) await environment.reset();
    }
    expect(ends).toEqual([0, 0, 1]);
    expect(frames.asked).toEqual([5]);
    await environment.reset();
    expect(frames.asked).toEqual([5, undefined]);
  });

  it('plays whole games with raw rewards where nothing is learned', async () => {
    const { environment } = atari({ lifeLossEnds: false, rewardSign: false, frameSkip: 3 });
    await environment.reset(1);
    let step = await environment.step(0);
    expect(step.reward).toBe(9);
    let moves = 1;
    for (; !step.terminated; moves++) step = await environment.step(0);
    expect([moves, step.info['gameOver']]).toEqual([10, 1]);
  });

  it('waits a while at the beginning of a game, as the seed has it', async () => {
    const first = async (seed: number): Promise<number> =>
      grey((await atari({ waits: 2 }).environment.reset(seed)).observation);
    const greys = await Promise.all(Array.from({ length: 12 }, (_, seed) => first(seed)));
    expect(new Set(greys)).toEqual(new Set([0, 4, 8]));
    expect(await first(3)).toBe(await first(3));
  });

  it('refuses what is no frame', () => {
    const frames = generatedFrames();
    expect(() => new AtariEnvironment({ ...frames, space: { shape: [4], type: 'float32' } })).toThrow('frames in RGB');
    expect(() => new AtariEnvironment(frames, { frameSkip: 0 })).toThrow('at least 1');
  });
});

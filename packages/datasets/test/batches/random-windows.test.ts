import { describe, expect, it } from 'vitest';
import { RandomWindows } from '../../src/index.ts';

const tokens = Int32Array.from({ length: 100 }, (_, index) => index);

describe('RandomWindows', () => {
  it('gives windows and, one place on, their targets', () => {
    const windows = new RandomWindows({ tokens, batchSize: 4, context: 8, seed: 1 });
    for (let step = 0; step < 20; step++) {
      const { inputs, targets, batchSize, context } = windows.at(step);
      expect([inputs.length, targets.length, batchSize, context]).toEqual([32, 32, 4, 8]);
      for (let row = 0; row < 4; row++) {
        const start = inputs[row * 8]!;
        expect(inputs.subarray(row * 8, row * 8 + 8)).toEqual(tokens.subarray(start, start + 8));
        expect(targets.subarray(row * 8, row * 8 + 8)).toEqual(tokens.subarray(start + 1, start + 9));
      }
    }
  });

  it('depends on seed, stream and step alone', () => {
    const options = { tokens, batchSize: 4, context: 8, seed: 1 };
    const forwards = new RandomWindows(options);
    const batches = Array.from({ length: 5 }, () => forwards.next());
    const other = new RandomWindows(options);
    for (const step of [3, 0, 4, 1, 2]) expect(other.at(step)).toEqual(batches[step]);
    expect(new RandomWindows({ ...options, seed: 2 }).at(0)).not.toEqual(batches[0]);
    expect(new RandomWindows({ ...options, stream: 'validation' }).at(0)).not.toEqual(batches[0]);
    expect(batches[1]).not.toEqual(batches[0]);
  });

  it('reaches every place equally often, the first and the last included', () => {
    const windows = new RandomWindows({ tokens: Uint8Array.of(0, 1, 2, 3, 4, 5), batchSize: 100, context: 2, seed: 1 });
    const counts = [0, 0, 0, 0];
    for (let step = 0; step < 40; step++) {
      const { inputs } = windows.at(step);
      for (let row = 0; row < 100; row++) counts[inputs[row * 2]!]!++;
    }
    // 4000 draws over 4 places: 1000 each, standard deviation 27.
    expect(counts).toHaveLength(4);
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(137);
  });

  it('continues from a saved state', () => {
    const windows = new RandomWindows({ tokens, batchSize: 4, context: 8, seed: 9, stream: 'train' });
    windows.next();
    windows.next();
    const state = JSON.parse(JSON.stringify(windows.state()));
    const resumed = RandomWindows.fromState(tokens, state);
    expect(resumed.cursor).toBe(2);
    expect([resumed.next(), resumed.next()]).toEqual([windows.next(), windows.next()]);
    expect(resumed.state()).toEqual(windows.state());
  });

  it('takes the shortest text there can be', () => {
    const { inputs, targets } = new RandomWindows({
      tokens: Uint16Array.of(5, 6),
      batchSize: 1,
      context: 1,
      seed: 1,
    }).at(0);
    expect([inputs, targets]).toEqual([Int32Array.of(5), Int32Array.of(6)]);
  });

  it('refuses what cannot work', () => {
    const options = { tokens, batchSize: 4, context: 8, seed: 1 };
    expect(() => new RandomWindows({ ...options, context: 100 })).toThrow(
      '100 tokens arrived for a context of 100; a window and its last target need 101. ' +
        'Give a longer text, or a context of at most 99.',
    );
    expect(() => new RandomWindows({ ...options, context: 0 })).toThrow('the context 0 arrived');
    expect(() => new RandomWindows({ ...options, batchSize: 1.5 })).toThrow('the batch size 1.5 arrived');
    expect(() => new RandomWindows({ ...options, seed: -1 })).toThrow('the seed -1 arrived');
    const windows = new RandomWindows(options);
    expect(() => windows.at(-1)).toThrow('step -1 arrived');
    expect(() => RandomWindows.fromState(tokens.subarray(1), windows.state())).toThrow(
      'the state was taken with 100 tokens, but 99 arrived; resume with the same data',
    );
    expect(() => RandomWindows.fromState(tokens, { ...windows.state(), cursor: Number.NaN })).toThrow(
      'step NaN arrived',
    );
    expect(() => RandomWindows.fromState(tokens, {} as never)).toThrow('a state of kind undefined arrived');
  });
});

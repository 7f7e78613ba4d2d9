import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestTrial, createSearch, parseSpace } from '../../src/search.ts';
import type { Search, Settings, Trial } from '../../src/search.ts';

const square = parseSpace({ x: { kind: 'range', from: -5, to: 10 }, y: { kind: 'range', from: 0, to: 15 } });
const all = (search: Search) => Array.from({ length: search.trials }, (_, index) => search.suggest([], index));

describe('grid search', () => {
  it('enumerates every combination once, the last setting fastest', () => {
    const space = parseSpace({
      rate: { kind: 'range', from: 0.001, to: 1, scale: 'log', points: 4 },
      layers: { kind: 'integer', from: 1, to: 3 },
      bias: { kind: 'category', values: [true, false] },
    });
    const search = createSearch({ kind: 'grid', space, seed: 1, goal: 'minimize' });
    expect(search.trials).toBe(24);
    const points = all(search);
    expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(24);
    expect(points[0]).toEqual({ rate: 0.001, layers: 1, bias: true });
    expect(points[1]).toEqual({ rate: 0.001, layers: 1, bias: false });
    expect(points[23]).toEqual({ rate: 1, layers: 3, bias: false });
    const rates = [...new Set(points.map(({ rate }) => rate as number))];
    expect(rates).toHaveLength(4);
    expect(rates[1]).toBeCloseTo(0.01, 12);
    expect(Object.keys(points[5]!)).toEqual(['rate', 'layers', 'bias']);
  });

  it('rounds whole numbers and lists each once', () => {
    const space = parseSpace({ width: { kind: 'integer', from: 1, to: 5, scale: 'log', points: 5 } });
    const search = createSearch({ kind: 'grid', space, seed: 1, goal: 'minimize' });
    expect(all(search).map(({ width }) => width)).toEqual([1, 2, 3, 5]);
  });

  it('has as many points as the product of its axes, all different', () => {
    const axis = fc.record({ from: fc.integer({ min: -50, max: 50 }), more: fc.integer({ min: 1, max: 6 }) });
    fc.assert(
      fc.property(fc.array(axis, { minLength: 1, maxLength: 4 }), (axes) => {
        const space = parseSpace(
          Object.fromEntries(
            axes.map(({ from, more }, index) => [`a${index}`, { kind: 'integer', from, to: from + more }]),
          ),
        );
        const search = createSearch({ kind: 'grid', space, seed: 0, goal: 'minimize' });
        expect(search.trials).toBe(axes.reduce((product, { more }) => product * (more + 1), 1));
        expect(new Set(all(search).map((point) => JSON.stringify(point))).size).toBe(search.trials);
      }),
      { numRuns: 30 },
    );
  });

  it('says what a range, a large grid and too few trials lack', () => {
    const grid = (space: Parameters<typeof parseSpace>[0], trials?: number) => () =>
      createSearch({ kind: 'grid', space: parseSpace(space), seed: 1, goal: 'minimize', trials });
    expect(grid({ x: { kind: 'range', from: 0, to: 1 } })).toThrow(/x is a range.*"points": 5/);
    expect(grid({ x: { kind: 'integer', from: 0, to: 1e6 } })).toThrow(/x has 1000001 values; add how many/);
    expect(grid({ x: { kind: 'integer', from: 1, to: 9 } }, 5)).toThrow(/9 combinations and 5 trials/);
    const six = Object.fromEntries(
      'abcdef'.split('').map((name) => [name, { kind: 'integer', from: 1, to: 9999 }] as const),
    );
    expect(grid(six)).toThrow(/combinations are too many/);
    expect(() => grid({ x: { kind: 'integer', from: 1, to: 9 } })().suggest([], 9)).toThrow(/trials are 0 to 8/);
  });
});

describe('random search', () => {
  it('is a function of seed and index alone', () => {
    const make = (seed: number) => createSearch({ kind: 'random', space: square, seed, trials: 20, goal: 'minimize' });
    const first = all(make(1));
    expect(all(make(1))).toEqual(first);
    expect(make(1).suggest([{ index: 0, settings: first[0]!, state: 'failed' }], 7)).toEqual(first[7]);
    expect(all(make(2))).not.toEqual(first);
    expect(new Set(first.map(({ x }) => x)).size).toBe(20);
  });

  it('covers its ranges evenly', () => {
    const search = createSearch({ kind: 'random', space: square, seed: 3, trials: 2000, goal: 'minimize' });
    const mean = all(search).reduce((sum, { x }) => sum + (x as number), 0) / 2000;
    expect(Math.abs(mean - 2.5)).toBeLessThan(4 * (15 / Math.sqrt(12 * 2000)));
  });
});

describe('random search on Branin', () => {
  it('has the expected best of n points: 5.71 after 10, 1.42 after 50', () => {
    const branin = ({ x, y }: Settings) =>
      ((y as number) - (5.1 / (4 * Math.PI ** 2)) * (x as number) ** 2 + (5 / Math.PI) * (x as number) - 6) ** 2 +
      10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x as number) +
      10;
    let afterTen = 0;
    let afterFifty = 0;
    for (let seed = 0; seed < 100; seed++) {
      const values = all(createSearch({ kind: 'random', space: square, seed, trials: 50, goal: 'minimize' })).map(
        branin,
      );
      afterTen += Math.min(...values.slice(0, 10)) / 100;
      afterFifty += Math.min(...values) / 100;
    }
    // Three standard errors of the mean of 100 searches.
    expect(Math.abs(afterTen - 5.71)).toBeLessThan(1.5);
    expect(Math.abs(afterFifty - 1.42)).toBeLessThan(0.35);
  });
});

describe('createSearch', () => {
  it('refuses what is no number of trials', () => {
    const make = (trials?: number) => () =>
      createSearch({ kind: 'random', space: square, seed: 1, trials, goal: 'minimize' });
    expect(make(0)).toThrow(/0 trials arrived/);
    expect(make(1.5)).toThrow(/1\.5 trials arrived/);
    expect(make()).toThrow(/give a number of trials/);
    expect(() => make(3)().suggest([], -1)).toThrow(/trial -1 arrived/);
  });
});

describe('bestTrial', () => {
  it('looks at finished trials with finite values only, and prefers the earlier of equals', () => {
    const trial = (index: number, state: Trial['state'], value?: number): Trial => ({
      index,
      settings: {},
      state,
      value,
    });
    const history = [
      trial(4, 'finished', 1),
      trial(1, 'finished', 1),
      trial(2, 'finished', NaN),
      trial(3, 'stopped', 0),
      trial(5, 'failed'),
      trial(6, 'pending'),
      trial(7, 'finished', 3),
    ];
    expect(bestTrial(history, 'minimize')?.index).toBe(1);
    expect(bestTrial(history, 'maximize')?.index).toBe(7);
    expect(bestTrial([trial(2, 'finished', NaN)], 'minimize')).toBeUndefined();
  });
});

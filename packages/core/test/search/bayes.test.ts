import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSearch, importance, parseSpace } from '../../src/search.ts';
import type { Search, Settings, Space, Trial } from '../../src/search.ts';
import { observe } from '../../src/search/observations.ts';

const square = parseSpace({ x: { kind: 'range', from: -5, to: 10 }, y: { kind: 'range', from: 0, to: 15 } });

/** Three minima, all 5/(4π) = 0.397887. */
const branin = ({ x, y }: Settings) =>
  ((y as number) - (5.1 / (4 * Math.PI ** 2)) * (x as number) ** 2 + (5 / Math.PI) * (x as number) - 6) ** 2 +
  10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x as number) +
  10;

/** Runs trials one after the other, until one is at most `target`. */
function run(search: Search, value: (settings: Settings) => number, trials: number, target = -Infinity): Trial[] {
  const history: Trial[] = [];
  for (let index = 0; index < trials; index++) {
    const settings = search.suggest(history, index);
    history.push({ index, settings, state: 'finished', value: value(settings) });
    if (history[index]!.value! <= target) break;
  }
  return history;
}

const bayes = (space: Space, trials: number, seed = 1, goal: 'minimize' | 'maximize' = 'minimize') =>
  createSearch({ kind: 'bayes', space, seed, trials, goal });
const bestValue = (history: readonly Trial[]) => Math.min(...history.map(({ value }) => value!));

describe('Bayesian search', () => {
  it('comes within 0.0022 of the minimum of Branin in 50 trials, in the median of ten seeds', () => {
    const ends = Array.from({ length: 10 }, (_, seed) => bestValue(run(bayes(square, 50, seed), branin, 50, 0.4)));
    ends.sort((left, right) => left - right);
    expect((ends[4]! + ends[5]!) / 2).toBeLessThanOrEqual(0.4);
    const random = createSearch({ kind: 'random', space: square, seed: 1, trials: 50, goal: 'minimize' });
    expect(ends[9]!).toBeLessThan(bestValue(run(random, branin, 50)));
  }, 120_000);

  it('spreads its first trials: each interval of each setting has one', () => {
    const search = bayes(square, 50);
    const first = Array.from({ length: 6 }, (_, index) => search.suggest([], index));
    const intervals = (values: number[]) => values.map((share) => Math.floor(share * 6)).toSorted();
    expect(intervals(first.map(({ x }) => ((x as number) + 5) / 15))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(intervals(first.map(({ y }) => (y as number) / 15))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('suggests the same from the same history, in whatever order it arrives and after JSON', () => {
    const history = run(bayes(square, 20), branin, 9);
    const place = bayes(square, 20).suggest(history, 10);
    const pending: Trial = { index: 9, settings: place, state: 'pending' };
    const suggested = bayes(square, 20).suggest([...history, pending], 10);
    const again: Trial[] = JSON.parse(JSON.stringify([pending, ...history.toReversed()]));
    expect(bayes(square, 20).suggest(again, 10)).toEqual(suggested);
    expect(suggested).not.toEqual(place);
    expect(bayes(square, 20, 2).suggest([...history, pending], 10)).not.toEqual(suggested);
  });

  it('sends workers that ask at the same time to different places', () => {
    const history = run(bayes(square, 20), branin, 12);
    const asked = [...history];
    for (let index = 12; index < 16; index++) {
      asked.push({ index, settings: bayes(square, 20).suggest(asked, index), state: 'pending' });
    }
    const places = asked.slice(12).map(({ settings }) => settings);
    for (const [index, left] of places.entries()) {
      for (const right of places.slice(index + 1)) {
        const apart = Math.hypot(
          (left['x'] as number) - (right['x'] as number),
          (left['y'] as number) - (right['y'] as number),
        );
        expect(apart).toBeGreaterThan(0.29); // 0.02 of the ranges' 15
      }
    }
  });

  it('maximises the negative as it minimises', () => {
    const least = run(bayes(square, 14), branin, 14);
    const most = run(bayes(square, 14, 1, 'maximize'), (settings) => -branin(settings), 14);
    expect(most.map(({ settings }) => settings)).toEqual(least.map(({ settings }) => settings));
  });

  const mixed = parseSpace({
    rate: { kind: 'range', from: 1e-5, to: 1, scale: 'log' },
    layers: { kind: 'integer', from: 1, to: 6 },
    activation: { kind: 'category', values: ['relu', 'tanh', 'sigmoid'] },
  });
  const cost = ({ rate, layers, activation }: Settings) =>
    Math.log10((rate as number) / 3e-3) ** 2 +
    0.3 * ((layers as number) - 4) ** 2 +
    (activation === 'tanh' ? 0 : activation === 'relu' ? 1 : 2);

  it('finds a log scale, a whole number and a category together', () => {
    const history = run(bayes(mixed, 36), cost, 36, 0.02);
    const best = history.find(({ value }) => value === bestValue(history))!;
    expect(best.value).toBeLessThan(0.02);
    expect(best.settings).toMatchObject({ layers: 4, activation: 'tanh' });
  }, 60_000);

  it('keeps away from where trials fail', () => {
    const history: Trial[] = [];
    const search = bayes(square, 30);
    for (let index = 0; index < 22; index++) {
      const settings = search.suggest(history, index);
      const fails = (settings['x'] as number) > 2.5;
      history.push(
        fails
          ? { index, settings, state: 'failed' }
          : { index, settings, state: 'finished', value: (settings['y'] as number) + 1 },
      );
    }
    const late = history.slice(10);
    expect(late.filter(({ state }) => state === 'failed').length).toBeLessThanOrEqual(4);
  }, 60_000);

  it('tries every combination of a small space before any twice', () => {
    const small = parseSpace({
      layers: { kind: 'integer', from: 1, to: 4 },
      bias: { kind: 'category', values: [true, false] },
    });
    const history = run(bayes(small, 10), ({ layers }) => layers as number, 10);
    const modelled = history.slice(5).map(({ settings }) => JSON.stringify(settings));
    const before = new Set(history.slice(0, 5).map(({ settings }) => JSON.stringify(settings)));
    const fresh = 8 - before.size;
    expect(new Set([...before, ...modelled.slice(0, fresh)]).size).toBe(8);
    expect(history[9]!.settings).toHaveProperty('layers');
  });

  it('goes on whatever the trials come out as', () => {
    const outcome = fc.oneof(
      fc.record({ state: fc.constantFrom('finished' as const, 'stopped' as const), value: fc.double() }),
      fc.record({ state: fc.constantFrom('failed' as const, 'pending' as const) }),
      fc.record({ state: fc.constant('finished' as const), value: fc.constantFrom(0, 1, 1e300, -1e300, 1e-300) }),
    );
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 9 }), (outcomes) => {
        const search = bayes(mixed, 20);
        const history = outcomes.map((one, index): Trial => ({
          index,
          settings: search.suggest([], index % 8),
          ...one,
        }));
        const { rate, layers, activation } = search.suggest(history, 12);
        expect(rate).toBeGreaterThanOrEqual(1e-5);
        expect(rate).toBeLessThanOrEqual(1);
        expect([1, 2, 3, 4, 5, 6]).toContain(layers);
        expect(['relu', 'tanh', 'sigmoid']).toContain(activation);
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  it('names a trial whose settings are not of the space', () => {
    const history: Trial[] = [{ index: 0, settings: { x: 99, y: 1 }, state: 'finished', value: 1 }];
    expect(() => bayes(square, 20).suggest(history, 10)).toThrow(/x is 99; the space wants a number from -5 to 10/);
  });
});

describe('observe', () => {
  const line = parseSpace({ x: { kind: 'range', from: 0, to: 1 } });
  const trials = (values: (number | undefined)[]): Trial[] =>
    values.map((value, index) =>
      value === undefined
        ? { index, settings: { x: 0 }, state: 'failed' }
        : { index, settings: { x: 0 }, state: 'finished', value },
    );

  it('draws in a cost far outside, counts failures as the worst, and standardises', () => {
    const { costs, measured } = observe(line, trials([1, 2, 3, 4, 5, 1e6, undefined]), 'minimize');
    expect(measured).toBe(6);
    expect(costs[5]).toBe(costs[6]);
    expect((costs[5]! - costs[0]!) / (costs[1]! - costs[0]!)).toBeCloseTo(13, 9); // 5 + 3 · (5 − 2) = 14
    expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeCloseTo(0, 12);
    expect(costs.reduce((sum, cost) => sum + cost ** 2, 0) / 7).toBeCloseTo(1, 12);
  });

  it('counts what is not a finite number as a failure and leaves out pending trials', () => {
    const history: Trial[] = [...trials([1, NaN, 2]), { index: 3, settings: { x: 1 }, state: 'pending' }];
    const { rows, costs, measured } = observe(line, history, 'maximize');
    expect(rows).toHaveLength(3);
    expect(measured).toBe(2);
    expect(costs[1]).toBe(costs[0]);
    expect(costs[2]).toBeLessThan(costs[0]!);
  });

  it('takes the last value of a stopped trial', () => {
    const stopped: Trial = {
      index: 2,
      settings: { x: 1 },
      state: 'stopped',
      curve: [
        { step: 1, value: 9 },
        { step: 2, value: 3 },
      ],
    };
    const { costs } = observe(line, [...trials([1, 2]), stopped], 'minimize');
    expect((costs[2]! - costs[1]!) / (costs[1]! - costs[0]!)).toBeCloseTo(1, 12);
  });
});

describe('importance', () => {
  const space = parseSpace({
    idle: { kind: 'range', from: 0, to: 1 },
    strong: { kind: 'range', from: 1e-4, to: 1, scale: 'log' },
    weak: { kind: 'category', values: ['a', 'b'] },
  });
  const random = createSearch({ kind: 'random', space, seed: 1, trials: 40, goal: 'minimize' });

  it('has the shares of variance of a sum: 0.857 and 0.143', () => {
    // A uniform number times 12^½ · 6^½ has variance 6, and a coin of 0 and 2 has variance 1.
    const history = run(
      random,
      ({ strong, weak }) => Math.sqrt(72) * (Math.log10(strong as number) / 4) + (weak === 'a' ? 0 : 2),
      40,
    );
    const shares = importance(history, space)!;
    expect(shares.map(({ name }) => name)).toEqual(['strong', 'weak', 'idle']);
    expect(shares[0]!.main).toBeCloseTo(6 / 7, 1);
    expect(shares[0]!.total).toBeCloseTo(6 / 7, 1);
    expect(shares[1]!.main).toBeCloseTo(1 / 7, 1);
    expect(shares[2]!.total).toBeLessThan(0.02);
    expect(importance(history.toReversed(), space)).toEqual(shares);
    const negative = history.map((trial) => ({ ...trial, value: -trial.value! }));
    expect(importance(negative, space, 'maximize')).toEqual(shares);
  });

  it('tells what two settings do together from what each does alone', () => {
    const history = run(random, ({ idle, weak }) => (weak === 'a' ? 1 : -1) * ((idle as number) - 0.5), 40);
    const shares = importance(history, space)!;
    for (const name of ['idle', 'weak']) {
      const { main, total } = shares.find((one) => one.name === name)!;
      expect(main).toBeLessThan(0.15);
      expect(total).toBeGreaterThan(0.8);
    }
  });

  it('says nothing of few trials or of equal values', () => {
    const history = run(random, () => 1, 40);
    expect(importance(history, space)).toBeUndefined();
    expect(
      importance(
        run(random, ({ idle }) => idle as number, 7),
        space,
      ),
    ).toBeUndefined();
  });
});

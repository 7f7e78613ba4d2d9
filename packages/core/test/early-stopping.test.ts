import { describe, expect, it } from 'vitest';
import { EarlyStopping } from '../src/index.ts';

/** Validation losses of a published character model of 10.8 million weights on tiny Shakespeare, by step. */
const published: [number, number][] = [
  [500, 1.9058],
  [1000, 1.5998],
  [2000, 1.5041],
  [3000, 1.48],
  [4999, 1.56],
];

describe('EarlyStopping', () => {
  it('keeps the best step and stops when the patience is over', () => {
    const stopping = new EarlyStopping({ patience: 2 });
    expect(stopping.best).toBeNaN();
    expect(stopping.bestStep).toBeNaN();
    const improved = [5, 4, 4, 3, 3.5, 3.2, 1].map((value, step) => stopping.add(step, value));
    expect(improved).toEqual([true, true, false, true, false, false, true]);
    // It says once and for all that training should have stopped at step 5; the caller did not listen.
    expect(stopping.shouldStop).toBe(true);
    expect([stopping.best, stopping.bestStep]).toEqual([1, 6]);
  });

  it('stops where the generalisation loss exceeds its limit, and finds step 3000 of the published curve', () => {
    const stopping = new EarlyStopping({ generalizationLoss: 5 });
    for (const [step, value] of published) {
      expect(stopping.shouldStop).toBe(false);
      stopping.add(step, value);
    }
    expect(stopping.shouldStop).toBe(true); // 100 · (1.56 / 1.48 − 1) = 5.4
    expect(stopping.bestStep).toBe(3000);
    const patient = new EarlyStopping({ generalizationLoss: 6 });
    for (const [step, value] of published) patient.add(step, value);
    expect(patient.shouldStop).toBe(false);
  });

  it('does not count an improvement below the minimum, nor NaN', () => {
    const stopping = new EarlyStopping({ patience: 3, minimumImprovement: 0.1 });
    expect(stopping.add(0, Number.NaN)).toBe(false);
    expect([1, 0.95, Number.NaN, 0.91].map((value, step) => stopping.add(step, value))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect([stopping.best, stopping.shouldStop]).toEqual([1, true]);
  });

  it('continues from its state as if it had never stopped', () => {
    const options = { patience: 2 };
    const [whole, first] = [new EarlyStopping(options), new EarlyStopping(options)];
    const values = [3, 2, 2.5];
    values.forEach((value, step) => {
      whole.add(step, value);
      first.add(step, value);
    });
    const second = EarlyStopping.fromState(options, JSON.parse(JSON.stringify(first.state())));
    whole.add(3, 2.1);
    second.add(3, 2.1);
    expect(second.state()).toEqual(whole.state());
    expect(second.shouldStop).toBe(true);
    expect(EarlyStopping.fromState(options, new EarlyStopping(options).state()).best).toBeNaN();
  });

  it('refuses what says nothing', () => {
    expect(() => new EarlyStopping({})).toThrow('give a patience, a generalizationLoss, or both');
    expect(() => new EarlyStopping({ patience: 0 })).toThrow('a patience of 0 arrived');
    expect(() => new EarlyStopping({ generalizationLoss: 0 })).toThrow('give percents above 0');
    expect(() => new EarlyStopping({ patience: 1, minimumImprovement: -1 })).toThrow('give at least 0');
    expect(() => EarlyStopping.fromState({ patience: 1 }, {} as never)).toThrow('give what state() returned');
  });
});

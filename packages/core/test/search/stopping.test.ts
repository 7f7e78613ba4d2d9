import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { medianStopping, successiveHalving } from '../../src/search.ts';
import type { Trial } from '../../src/search.ts';

/** A trial with one value at each of the steps 1, 2, 3 … */
const trial = (index: number, values: number[], state: Trial['state'] = 'finished'): Trial => ({
  index,
  settings: {},
  state,
  curve: values.map((value, step) => ({ step: step + 1, value })),
});

describe('medianStopping', () => {
  // Mean values up to step 2: 3, 5 and 7.
  const finished = [trial(0, [4, 2, 1]), trial(1, [6, 4, 2]), trial(2, [8, 6, 3])];
  const rule = medianStopping({ goal: 'minimize' });

  it('compares the best value so far with the median of the mean values of finished trials up to that step', () => {
    expect(rule(trial(3, [9, 5.1], 'pending'), finished)).toBe('stop');
    expect(rule(trial(3, [9, 5], 'pending'), finished)).toBe('continue');
    expect(rule(trial(3, [4, 9], 'pending'), finished)).toBe('continue');
  });

  it('mirrors itself for values that shall be large', () => {
    const negative = (one: Trial): Trial => ({
      ...one,
      curve: one.curve!.map(({ step, value }) => ({ step, value: -value })),
    });
    const mirrored = medianStopping({ goal: 'maximize' });
    const curve = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(curve, { minLength: 1, maxLength: 6 }), curve, (others, own) => {
        const history = others.map((values, index) => trial(index, values));
        const asked = trial(99, own, 'pending');
        expect(mirrored(negative(asked), history.map(negative))).toBe(rule(asked, history));
      }),
    );
  });

  it('waits for the warm-up and for enough finished trials, and looks at no others', () => {
    const bad = trial(3, [9, 9], 'pending');
    expect(medianStopping({ goal: 'minimize', warmupSteps: 3 })(bad, finished)).toBe('continue');
    expect(medianStopping({ goal: 'minimize', warmupSteps: 2 })(bad, finished)).toBe('stop');
    expect(rule(bad, finished.slice(1))).toBe('continue');
    expect(rule(bad, [...finished.slice(1), { ...finished[0]!, state: 'stopped' }])).toBe('continue');
    expect(medianStopping({ goal: 'minimize', minimumTrials: 2 })(bad, finished.slice(1))).toBe('stop');
    expect(rule({ index: 3, settings: {}, state: 'pending' }, finished)).toBe('continue');
  });

  it('stops a trial that diverged', () => {
    expect(rule(trial(3, [NaN, Infinity], 'pending'), finished)).toBe('stop');
  });

  it('refuses senseless options', () => {
    expect(() => medianStopping({ goal: 'minimize', warmupSteps: -1 })).toThrow(/warmupSteps is -1/);
    expect(() => medianStopping({ goal: 'minimize', minimumTrials: 0 })).toThrow(/minimumTrials is 0/);
  });
});

describe('successiveHalving', () => {
  const rule = successiveHalving({ goal: 'minimize', firstStep: 1, factor: 3 });

  it('lets the best third go on from each rung, and the first to arrive', () => {
    const history = [5, 4, 6, 3, 7, 8].map((value, index) => trial(index, [value], 'pending'));
    expect(rule(history[0]!, history.slice(0, 1))).toBe('continue');
    expect(rule(history[1]!, history.slice(0, 2))).toBe('continue'); // the best of two
    expect(rule(history[2]!, history.slice(0, 3))).toBe('stop'); // the worst of three
    const places = history.map((one) => rule(one, history));
    expect(places).toEqual(['stop', 'continue', 'stop', 'continue', 'stop', 'stop']); // two of six
  });

  it('has its rungs at 1, 3, 9 …, and decides each one once', () => {
    const others = [trial(0, [1, 1, 1]), trial(1, [1, 1, 1]), trial(2, [1, 1, 1])];
    expect(rule(trial(3, [2], 'pending'), others)).toBe('stop');
    expect(rule(trial(3, [2, 2], 'pending'), others)).toBe('continue'); // step 2 is no rung
    expect(rule(trial(3, [2, 2, 2], 'pending'), others)).toBe('stop');
    expect(rule(trial(3, [2, 2, 2, 2], 'pending'), others)).toBe('continue');
  });

  it('decides at the first report beyond a rung that no report met', () => {
    const at = (step: number, value: number, index: number): Trial => ({
      index,
      settings: {},
      state: 'pending',
      curve: [{ step, value }],
    });
    const others = [at(4, 1, 0), at(4, 2, 1), at(4, 3, 2)];
    expect(rule(at(5, 0.5, 3), others)).toBe('continue');
    expect(rule(at(5, 2.5, 3), others)).toBe('stop');
    expect(rule(at(0.5, 9, 3), others)).toBe('continue');
  });

  it('keeps a third of n trials that wait for each other, whatever their values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), (values) => {
        const history = values.map((value, index) => trial(index, [value], 'pending'));
        const kept = history.filter((one) => rule(one, history) === 'continue');
        expect(kept).toHaveLength(Math.max(1, Math.floor(values.length / 3)));
        const worstKept = Math.max(...kept.map(({ index }) => values[index]!));
        expect(values.filter((value) => value < worstKept).length).toBeLessThan(kept.length);
      }),
    );
  });

  it('stops a trial that diverged, and wants large values where told so', () => {
    expect(rule(trial(0, [NaN], 'pending'), [])).toBe('stop');
    const most = successiveHalving({ goal: 'maximize', firstStep: 1 });
    const history = [trial(0, [0.1]), trial(1, [0.9]), trial(2, [0.5])];
    expect(history.map((one) => most(one, history))).toEqual(['stop', 'continue', 'stop']);
  });

  it('refuses senseless options', () => {
    expect(() => successiveHalving({ goal: 'minimize', firstStep: 0 })).toThrow(/firstStep is 0; .* above 0/);
    expect(() => successiveHalving({ goal: 'minimize', firstStep: 1, factor: 1 })).toThrow(/factor is 1/);
  });
});

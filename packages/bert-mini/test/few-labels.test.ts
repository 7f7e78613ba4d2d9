import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fineTuningSchema } from '../src/config.ts';
import { bestRate, describeRates, fineTunings, metricsOf, nameOf } from '../src/few-labels.ts';

const settings = (changes: object) => ({ fineTuning: v.parse(fineTuningSchema, { learningRate: 0.01, ...changes }) });

/** Scores for the whole plan; those that are not given are 0.85. */
const scored = (config: ReturnType<typeof settings>, given: Record<string, number>): Record<string, number> =>
  Object.fromEntries(fineTunings(config).map((tuning) => [nameOf(tuning), given[nameOf(tuning)] ?? 0.85]));

describe('the comparison with few labels', () => {
  const config = settings({ learningRates: [0.1, 0.2], labelShares: [0.1, 1], seeds: 2, lstm: true });
  const results = scored(config, {
    'pretrained 0.1 0 0.1': 0.7,
    'pretrained 0.1 1 0.1': 0.8,
    'pretrained 0.1 0 0.2': 0.72,
    'pretrained 0.1 1 0.2': 0.6,
    'random 0.1 0 0.1': 0.5,
    'random 0.1 1 0.1': 0.5,
    'random 0.1 0 0.2': 0.55,
    'random 0.1 1 0.2': 0.65,
    'pretrained 1 0 0.2': 0.9,
  });

  it('tunes both kinds of net with every rate and seed at each share, and the LSTM with its own', () => {
    expect(fineTunings(config).map(nameOf)).toEqual([
      ...['0.1', '1'].flatMap((share) =>
        ['0', '1'].flatMap((round) =>
          ['pretrained', 'random'].flatMap((kind) => ['0.1', '0.2'].map((rate) => `${kind} ${share} ${round} ${rate}`)),
        ),
      ),
      'lstm 1 0 0.001',
      'lstm 1 1 0.001',
    ]);
  });

  it('counts the rate with the best mean over the seeds', () => {
    expect(bestRate(config, results, 'pretrained', 0.1)).toBe(0.1); // 0.2 is ahead with the first seed alone.
    expect(bestRate(config, results, 'random', 0.1)).toBe(0.2);
    const { 'random 0.1 1 0.1': _left, ...incomplete } = results;
    expect(bestRate(config, incomplete, 'random', 0.1)).toBeUndefined();
    expect(describeRates(config, results)).toContain(
      'pretrained with 10 %: 0.1; random with 10 %: 0.2; pretrained with 100 %: 0.2',
    );
  });

  it('adds up to means and their differences', () => {
    const metrics = metricsOf(config, { ...results, maskedLoss: 4 });
    expect(metrics).toMatchObject({ maskedLoss: 4, lstm100: 85, classifierAccuracy: 90 });
    expect(metrics['accuracy10']).toBeCloseTo(75, 9);
    expect(metrics['random10']).toBeCloseTo(60, 9);
    expect(metrics['gain10']).toBeCloseTo(15, 9);
    expect(metrics['accuracy100']).toBeCloseTo(87.5, 9);
    expect(metrics['random100']).toBeCloseTo(85, 9);
    expect(metrics['gainOfFewest']).toBeCloseTo(15 - 2.5, 9);
  });

  it('has one rate where none are to be tried, and no rival without a baseline', () => {
    expect(fineTunings(settings({ baseline: false })).map(nameOf)).toEqual(['pretrained 1 0 0.01']);
  });
});

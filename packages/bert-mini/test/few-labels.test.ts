import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fineTuningSchema } from '../src/config.ts';
import { bestRate, countFineTunings, describeRates, fineTunings, metricsOf, nameOf } from '../src/few-labels.ts';

const settings = (changes: object) => ({ fineTuning: v.parse(fineTuningSchema, { learningRate: 0.01, ...changes }) });

/** Goes through the whole plan as a run would, with scores that `score` makes up. */
function play(config: ReturnType<typeof settings>, score: (name: string) => number) {
  const results: Record<string, number> = {};
  const names: string[] = [];
  for (const tuning of fineTunings(config, results)) {
    names.push(nameOf(tuning));
    results[nameOf(tuning)] = score(nameOf(tuning));
  }
  return { results, names };
}

describe('fineTunings', () => {
  const config = settings({ learningRates: [0.1, 0.2], labelShares: [0.1, 1], seeds: 2, lstm: true });
  const scores: Record<string, number> = {
    'pretrained 0.1 0 0.1': 0.7,
    'pretrained 0.1 0 0.2': 0.6,
    'random 0.1 0 0.1': 0.5,
    'random 0.1 0 0.2': 0.55,
    'pretrained 0.1 1 0.1': 0.8,
    'random 0.1 1 0.2': 0.65,
    'pretrained 1 0 0.1': 0.8,
    'pretrained 1 0 0.2': 0.9,
  };
  const { results, names } = play(config, (name) => scores[name] ?? 0.85);

  it('tries every rate with the first seed, and goes on with the best of each kind at each share', () => {
    expect(names).toEqual([
      'pretrained 0.1 0 0.1',
      'pretrained 0.1 0 0.2',
      'random 0.1 0 0.1',
      'random 0.1 0 0.2',
      'pretrained 0.1 1 0.1',
      'random 0.1 1 0.2',
      'pretrained 1 0 0.1',
      'pretrained 1 0 0.2',
      'random 1 0 0.1',
      'random 1 0 0.2',
      'pretrained 1 1 0.2',
      'random 1 1 0.1',
      'lstm 1 0 0.001',
      'lstm 1 1 0.001',
    ]);
    expect(countFineTunings(config)).toBe(names.length);
    expect(bestRate(config, results, 'random', 0.1)).toBe(0.2);
    expect(bestRate(config, {}, 'random', 0.1)).toBeUndefined();
    expect(describeRates(config, results)).toContain(
      'pretrained with 10 %: 0.1; random with 10 %: 0.2; pretrained with 100 %: 0.2',
    );
  });

  it('continued with what is known, is the same plan', () => {
    const known = Object.fromEntries(names.slice(0, 5).map((name) => [name, results[name]!]));
    const plan = Array.from(fineTunings(config, { ...results, ...known }), nameOf);
    expect(plan).toEqual(names);
  });

  it('adds up to means over the seeds at the chosen rates', () => {
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
    const { names: plain } = play(settings({ baseline: false }), () => 0.5);
    expect(plain).toEqual(['pretrained 1 0 0.01']);
    expect(countFineTunings(settings({ baseline: false }))).toBe(1);
  });
});

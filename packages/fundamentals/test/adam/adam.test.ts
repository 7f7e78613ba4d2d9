import { useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { adamFigure1 } from '../../src/adam/adam-figure-1.ts';
import { adamFigure2a } from '../../src/adam/adam-figure-2a.ts';
import { adamFigure4 } from '../../src/adam/adam-figure-4.ts';
import { bestRate, edgeOfGrid } from '../../src/best-rate.ts';
import { expectClaims, runQuick } from '../run-quick.ts';
import * as v from 'valibot';

beforeAll(async () => {
  await useBackend('onnx');
});

describe('the figures of Adam', () => {
  it('has the sizes of the paper’s models', () => {
    expect(adamFigure1.size(v.parse(adamFigure1.schema, {})).parameters).toBe(7850);
    expect(adamFigure2a.size(v.parse(adamFigure2a.schema, {})).parameters).toBe(1_796_010);
    // 784·500 + 500, 2 · (500·50 + 50), 50·500 + 500, 500·784 + 784
    expect(adamFigure4.size(v.parse(adamFigure4.schema, {})).parameters).toBe(860_884);
  });

  it('figure 1: AdaGrad falls behind', async () => {
    const outcome = await runQuick(adamFigure1, { seeds: 2, nesterovRates: [1] });
    expectClaims(adamFigure1, outcome);
    expect(outcome.notes).toHaveLength(3);
  });

  it('figure 2a: compares five optimizers from one initialisation', async () => {
    const { metrics, notes } = await runQuick(adamFigure2a, {
      epochs: 5,
      searchEpochs: 1,
      adamRates: [3e-3],
      nesterovRates: [0.1],
      adagradRates: [1e-2],
      rmspropRates: [1e-3],
      adadeltaRates: [1],
    });
    expect(notes).toHaveLength(5);
    expect(metrics['adagradOverAdam']).toBeGreaterThan(1);
    expect(metrics['leadAtEpoch5']).toBeTypeOf('number');
  });

  it('figure 4: without the correction the first steps do harm when β₂ is near 1', async () => {
    const { metrics } = await runQuick(adamFigure4, { rates: [0.03], beta2s: [0.9, 0.9999], epochs: 4 });
    expect(metrics['penaltyAtLargestBeta2']).toBeGreaterThan(0);
    expect(metrics['penaltyGrowth']).toBeGreaterThan(0);
  });

  it('figure 4: counts what diverged', async () => {
    const { metrics } = await runQuick(adamFigure4, { rates: [30], beta2s: [0.9999], epochs: 1, count: 128 });
    expect(metrics['diverged']).toBeGreaterThan(0);
    expect(Number.isFinite(metrics['penaltyAtLargestBeta2'])).toBe(true);
  });
});

describe('the best rate', () => {
  it('is the one of the least cost, and says when the grid ends there', () => {
    const tried = [
      [0.1, 3],
      [0.3, 1],
      [1, 2],
    ] as const;
    expect(bestRate(tried, (cost) => cost)).toEqual([0.3, 1]);
    expect(edgeOfGrid(0.3, [0.1, 0.3, 1])).toBe('');
    expect(edgeOfGrid(1, [0.1, 0.3, 1])).toBe(', the edge of its grid');
  });
});

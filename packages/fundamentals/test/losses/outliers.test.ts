import { useBackend } from '@milestones/backend';
import { expectClaims, runQuick } from '../run-quick.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { exactMinimiser, normalEfficiency, outliers } from '../../src/losses/outliers.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('outliers', () => {
  const contamination = { numbers: 1000, outlierShare: 0.1, outlier: 10, steps: 60, learningRate: 0.5 };

  it.each([
    ['mean', Infinity, 1, 3],
    ['median', 0, 0.13971, 5],
    ['Huber 1', 1, 0.16327, 5],
    ['Huber 1.345', 1.345, 0.18248, 5],
    ['Huber 2', 2, 0.2333, 5],
  ])('has the minimiser of the %s to the printed digits', (_name, delta, printed, places) => {
    expect(exactMinimiser(delta, contamination)).toBeCloseTo(printed, places);
  });

  it('knows the price on clean data', () => {
    expect(normalEfficiency(1.345)).toBeCloseTo(0.95, 4);
    expect(normalEfficiency(0)).toBeCloseTo(0.6366, 4);
    expect(normalEfficiency(8)).toBeCloseTo(1, 10);
  });

  it('descends to the closed form', async () => {
    expectClaims(outliers, await runQuick(outliers));
  });
});

import { useBackend } from '@milestones/backend';
import { EarlyStopping } from '@milestones/core';
import { beforeAll, expect, it } from 'vitest';
import { earlyStopping, publishedCurve, replay } from '../../src/generalising/early-stopping.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('early-stopping: step 3,000 of the published curve, by patience and by generalisation loss', () => {
  expect(replay(publishedCurve, new EarlyStopping({ patience: 1 }))).toEqual({ kept: 3000, stopped: 4999 });
  expect(replay(publishedCurve, new EarlyStopping({ generalizationLoss: 5 })).kept).toBe(3000);
});

it('early-stopping: a small net overfits and is stopped at its minimum', async () => {
  const { metrics } = await runQuick(earlyStopping, {
    characters: 1500,
    validationCharacters: 1100,
    hidden: 64,
    steps: 400,
    evaluations: 20,
    learningRate: 0.01,
    patience: 4,
  });
  expect(metrics['publishedStep']).toBe(3000);
  expect(metrics['overfitting']).toBeGreaterThan(2);
  expect(metrics['regret']).toBeLessThan(2);
  expect(metrics['stoppedStep']).toBeLessThan(400);
});

import { useBackend } from '@milestones/backend';
import { beforeAll, expect, it } from 'vitest';
import { weightDecay } from '../../src/generalising/weight-decay.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('weight-decay: L2 and decoupled decay are one under gradient descent, two under Adam', async () => {
  const { metrics } = await runQuick(weightDecay, { trainImages: 200, testImages: 100, steps: 20, comparedSteps: 60 });
  expect(metrics['sgdGap']).toBeLessThan(1e-5);
  expect(metrics['adamGap']).toBeGreaterThan(0.05);
});

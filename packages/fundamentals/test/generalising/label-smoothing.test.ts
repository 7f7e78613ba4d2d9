import { useBackend } from '@milestones/backend';
import { beforeAll, expect, it } from 'vitest';
import { bestLogitGap, labelSmoothing } from '../../src/generalising/label-smoothing.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('label-smoothing: the distance of the logits that the formula gives', async () => {
  expect(bestLogitGap(0.1, 10)).toBeCloseTo(4.5109, 4);
  const { metrics } = await runQuick(labelSmoothing, {
    trainImages: 60,
    testImages: 200,
    hidden: 32,
    steps: 250,
    learningRate: 0.005,
  });
  expect(metrics['smoothedGapRatio']).toBeGreaterThan(0.9);
  expect(metrics['smoothedGapRatio']).toBeLessThan(1.1);
  expect(metrics['plainGap']).toBeGreaterThan(metrics['smoothedGap']!);
  expect(metrics['smoothedConfidence']).toBeLessThan(metrics['plainConfidence']!);
});

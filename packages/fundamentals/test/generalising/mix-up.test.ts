import { useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { beforeAll, expect, it } from 'vitest';
import { linearityGap, mixUp } from '../../src/generalising/mix-up.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('mix-up: the loss is linear in the labels', async () => {
  expect(await linearityGap(new Random(5))).toBeLessThan(1e-5);
});

it('mix-up: fewer wrong labels are learned by heart', async () => {
  const { metrics } = await runQuick(mixUp, {
    trainImages: 900,
    testImages: 100,
    hidden: 48,
    steps: 250,
    learningRate: 0.004,
  });
  expect(metrics['forgotten']).toBeGreaterThan(3);
});

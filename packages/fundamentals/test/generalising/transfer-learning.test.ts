import { useBackend } from '@milestones/backend';
import { generateDigits } from '@milestones/datasets';
import { beforeAll, expect, it } from 'vitest';
import { selectClasses, transferLearning } from '../../src/generalising/transfer-learning.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('transfer-learning: takes the layers over', async () => {
  const { metrics } = await runQuick(transferLearning, {
    sourceImages: 300,
    testImages: 200,
    filters: 2,
    hidden: 16,
    sourceSteps: 60,
    steps: 30,
  });
  for (const way of ['scratch', 'frozen', 'fineTuned']) expect(metrics[`${way}Accuracy`]).toBeGreaterThan(10);
});

it('transfer-learning: selects classes, a few of each, and numbers them anew', () => {
  const chosen = selectClasses(generateDigits({ count: 100 }), 5, 10, 3);
  expect(chosen.count).toBe(15);
  expect(new Set(chosen.labels)).toEqual(new Set([0, 1, 2, 3, 4]));
  expect(chosen.classNames).toEqual(['5', '6', '7', '8', '9']);
});

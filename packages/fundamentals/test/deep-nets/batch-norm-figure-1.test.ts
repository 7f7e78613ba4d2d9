import { useBackend } from '@milestones/backend';
import { generateDigits } from '@milestones/datasets';
import { beforeAll, expect, it } from 'vitest';
import { batchNormFigure1, binaryImages } from '../../src/deep-nets/batch-norm-figure-1.ts';
import { NormalizedPerceptron } from '../../src/deep-nets/normalized-perceptron.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('batch-norm-figure-1: ahead from the start', async () => {
  const { metrics } = await runQuick(batchNormFigure1, {
    trainImages: 300,
    testImages: 100,
    hidden: 24,
    steps: 150,
    evaluations: 3,
  });
  expect(metrics['gain']).toBeGreaterThan(10);
  expect(metrics['leads']).toBeGreaterThan(0.5);
});

it('batch-norm-figure-1: the net of the paper has 99,710 weights, and 600 more with batch norm', () => {
  const sizes = [784, 100, 100, 100, 10];
  expect(new NormalizedPerceptron(sizes, 'none', 0.1).parameterCount()).toBe(99_710);
  // 600 gains and shifts; the 300 biases in front of them are left out
  expect(new NormalizedPerceptron(sizes, 'batch', 0.1).parameterCount()).toBe(99_710 + 600 - 300);
});

it('batch-norm-figure-1: binary images', () => {
  const { images } = binaryImages(generateDigits({ count: 10 }));
  expect(new Set(images)).toEqual(new Set([0, 255]));
});

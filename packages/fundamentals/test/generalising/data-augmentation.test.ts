import { useBackend } from '@milestones/backend';
import { beforeAll, it } from 'vitest';
import { dataAugmentation } from '../../src/generalising/data-augmentation.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('data-augmentation: harder to learn, and better for it', async () => {
  const outcome = await runQuick(dataAugmentation, {
    trainImages: 200,
    testImages: 300,
    hidden: 48,
    steps: 300,
    learningRate: 0.003,
  });
  expectClaims(dataAugmentation, outcome);
});

import { useBackend } from '@milestones/backend';
import { beforeAll, expect, it } from 'vitest';
import { ensembles } from '../../src/generalising/ensembles.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('ensembles: the ambiguity identity, and a smaller squared error than the mean member', async () => {
  const { metrics } = await runQuick(ensembles, {
    trainImages: 150,
    testImages: 200,
    members: 3,
    hidden: 16,
    steps: 80,
  });
  expect(Math.abs(metrics['identityGap']!)).toBeLessThan(1e-12);
  expect(metrics['brierGain']).toBeGreaterThan(0);
  expect(metrics['ensembleError']).toBeLessThan(metrics['memberError']!);
});

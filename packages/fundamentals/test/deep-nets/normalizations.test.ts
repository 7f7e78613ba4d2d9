import { useBackend } from '@milestones/backend';
import { beforeAll, expect, it } from 'vitest';
import { normalizations, scaleSensitivity } from '../../src/deep-nets/normalizations.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('normalizations: all but the plain net do not notice ten times larger weights', () => {
  for (const kind of ['batch', 'layer', 'weight'] as const) expect(scaleSensitivity(kind, 3)).toBeLessThan(1e-3);
  expect(scaleSensitivity('none', 3)).toBeGreaterThan(1);
});

it('normalizations: each trains faster than the plain net', async () => {
  const { metrics, drawings } = await runQuick(normalizations, {
    trainImages: 300,
    testImages: 100,
    hidden: 20,
    steps: 60,
    learningRate: 0.01,
  });
  expect(metrics['batchLead128']).toBeGreaterThan(0);
  expect(metrics['layerLead128']).toBeGreaterThan(0);
  expect(drawings).toHaveLength(2);
});

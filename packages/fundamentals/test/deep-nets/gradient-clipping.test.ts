import { useBackend } from '@milestones/backend';
import { beforeAll, expect, it } from 'vitest';
import { gradientClipping } from '../../src/deep-nets/gradient-clipping.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

it('gradient-clipping: without it a net diverges, with it none', async () => {
  const { metrics, drawings } = await runQuick(gradientClipping, {
    lag: 20,
    hidden: 16,
    steps: 120,
    seeds: 2,
    learningRate: 0.1,
  });
  expect(metrics['divergedWithout']).toBeGreaterThanOrEqual(1);
  expect(metrics['divergedWith']).toBe(0);
  expect(metrics['lossWith']).toBeLessThan(1);
  expect(drawings.map(({ name }) => name)).toEqual(['losses', 'norms']);
});

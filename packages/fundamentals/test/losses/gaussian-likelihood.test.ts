import { useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { gaussianLikelihood } from '../../src/losses/gaussian-likelihood.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

describe('gaussian-likelihood', () => {
  it('is squared error at unit variance, and learns the noise otherwise', async () => {
    const { metrics } = await runQuick(gaussianLikelihood, { points: 300, steps: 400 });
    expect(metrics['unitGap']).toBeLessThan(1e-4);
    expect(metrics['constant']).toBeCloseTo(Math.log(2 * Math.PI) / 2, 5);
    expect(metrics['nats']).toBeGreaterThan(0.3);
  });
});

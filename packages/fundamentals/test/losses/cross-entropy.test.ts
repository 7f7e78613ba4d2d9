import { useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { crossEntropy, slopesWhenWrong } from '../../src/losses/cross-entropy.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

describe('cross-entropy', () => {
  it('has the slopes of the closed forms', () => {
    const wrong = 1 / (1 + Math.exp(5)); // σ(−5)
    const { crossEntropy: steep, squaredError: flat } = slopesWhenWrong(-5);
    expect(steep).toBeCloseTo(wrong - 1, 6);
    expect(flat).toBeCloseTo(2 * (wrong - 1) * wrong * (1 - wrong), 6);
  });

  it('gets a net out of a confidently wrong start', async () => {
    const { metrics } = await runQuick(crossEntropy, {
      count: 256,
      testCount: 100,
      epochs: 8,
      crossEntropyRates: [0.3],
      squaredErrorRates: [1],
    });
    expect(metrics['leadConfident']).toBeGreaterThan(3);
  });
});

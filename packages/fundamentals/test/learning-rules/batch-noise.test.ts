import { describe, expect, it } from 'vitest';
import { batchNoise } from '../../src/learning-rules/batch-noise.ts';
import { runQuick } from '../run-quick.ts';

describe('batch-noise', () => {
  it('shows noise like 1/B, and what large batches cost', async () => {
    const { metrics } = await runQuick(batchNoise, { examples: 500, batchSizes: [1, 32, 1024], draws: 300 });
    expect(Math.abs(metrics['noiseSlope']! + 1)).toBeLessThan(0.1);
    expect(metrics['stepsSaved']).toBeGreaterThan(5);
    expect(metrics['extraExamples']).toBeGreaterThan(1.5);
  });

  it('says which batch size never arrived', async () => {
    await expect(runQuick(batchNoise, { mostExamples: 256, batchSizes: [1, 256], draws: 1 })).rejects.toThrow(
      'raise mostExamples',
    );
  });
});

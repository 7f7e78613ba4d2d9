import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { Autoencoder } from '../../src/unsupervised/autoencoder-net.ts';
import { denoisingAutoencoder } from '../../src/unsupervised/denoising-autoencoder.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

describe('denoising-autoencoder', () => {
  it('squeezes through its code', () => {
    const net = new Autoencoder(784, { hidden: [512, 256], code: 30 });
    expect(net.parameterCount()).toBe(2 * (784 * 512 + 512 * 256 + 256 * 30) + 2 * (512 + 256) + 30 + 784);
    net.initialize(1);
    tf.tidy(() => {
      expect(net.encode(tf.zeros([3, 784])).shape).toEqual([3, 30]);
      expect(net.forward(tf.zeros([3, 784])).shape).toEqual([3, 784]);
    });
    net.dispose();
  });

  it('rebuilds better than PCA, and removes noise better than a net that never saw any', async () => {
    const { metrics } = await runQuick(denoisingAutoencoder, { count: 800, testCount: 200, steps: 250 });
    expect(metrics['errorRatio']).toBeLessThan(1);
    expect(metrics['denoisingRatio']).toBeLessThan(1);
    expect(metrics['pcaErrorOnNoise']).toBeGreaterThan(metrics['pcaError']!);
  });
});

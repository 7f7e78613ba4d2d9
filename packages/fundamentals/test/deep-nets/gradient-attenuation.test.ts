import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { attenuation, gradientAttenuation } from '../../src/deep-nets/gradient-attenuation.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('wasm');
});

describe('gradient-attenuation', () => {
  it('has the slopes of the theory', async () => {
    const { metrics } = await runQuick(gradientAttenuation, { width: 96, seeds: 2 });
    expect(metrics['sigmoidSlope']).toBeCloseTo(-0.63, 1);
    expect(metrics['reluSlope']).toBeCloseTo(-Math.log10(2) / 2, 1);
    expect(metrics['reluHeSlope']).toBeCloseTo(0, 1);
    // √n · 0.01 of the length is left, and the tanh is straight
    expect(metrics['tanhSmallSlope']).toBeCloseTo(Math.log10(Math.sqrt(96) * 0.01), 1);
    expect(Math.abs(metrics['residualDepth50']!)).toBeLessThan(0.5);
    expect(metrics['tanhDepth50']).toBeGreaterThan(-2);
  });

  it('is exact for one layer that only scales', () => {
    const eye = tf.eye(4) as tf.Tensor2D;
    const small = tf.mul(tf.tensor2d(new Random(1).normalArray(4), [1, 4]), 1e-3) as tf.Tensor2D;
    expect(attenuation('tanh', [eye], small, tf.ones([1, 4]))).toBeCloseTo(Math.log10(1 / 2), 4); // 1/√n
    expect(
      attenuation(
        'tanhSmall',
        Array.from({ length: 20 }, () => eye),
        small,
        tf.ones([1, 4]),
      ),
    ).toBeCloseTo(-40, 4);
  });
});

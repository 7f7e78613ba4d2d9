import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  constant,
  fanInUniform,
  fansOf,
  heNormal,
  heUniform,
  normal,
  ones,
  Random,
  truncatedNormal,
  uniform,
  xavierNormal,
  xavierUniform,
  zeros,
  type Initializer,
} from '../src/index.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const shape = [200, 300];

function statistics(initializer: Initializer): { mean: number; deviation: number; largest: number } {
  const values = Array.from(initializer(shape, new Random(11)).dataSync());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return {
    mean,
    deviation: Math.sqrt(variance),
    largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  };
}

describe('initializers', () => {
  // 60,000 draws: a sample's deviation is within 1 % of the true one, its mean within 0.02 deviations.
  it.each([
    ['normal', normal(0.02), 0.02, Infinity],
    // The deviation of a normal cut at ±2 is √(1 − 4 φ(2) / (2 Φ(2) − 1)) = 0.8796.
    ['truncatedNormal', truncatedNormal(0.02), 0.02 * 0.8796, 0.04],
    ['uniform', uniform(-0.3, 0.3), 0.3 / Math.sqrt(3), 0.3],
    ['fanInUniform', fanInUniform(), 1 / Math.sqrt(3 * 200), 1 / Math.sqrt(200)],
    ['fanInUniform with a given fan', fanInUniform(50), 1 / Math.sqrt(3 * 50), 1 / Math.sqrt(50)],
    ['xavierUniform', xavierUniform(), Math.sqrt(2 / 500), Math.sqrt(6 / 500)],
    ['xavierNormal', xavierNormal(2), 2 * Math.sqrt(2 / 500), Infinity],
    ['heUniform', heUniform(), Math.sqrt(2 / 200), Math.sqrt(6 / 200)],
    ['heNormal', heNormal(), Math.sqrt(2 / 200), Infinity],
  ])('%s has its spread and its bound', (_name, initializer, deviation, bound) => {
    const found = statistics(initializer);
    expect(Math.abs(found.mean) / deviation).toBeLessThan(0.02);
    expect(found.deviation / deviation).toBeGreaterThan(0.99);
    expect(found.deviation / deviation).toBeLessThan(1.01);
    // Bounds are doubles, values float32.
    expect(found.largest).toBeLessThanOrEqual(bound * (1 + 1e-6));
  });

  it('fills with one value', () => {
    const random = new Random(1);
    expect(Array.from(zeros()([2], random).dataSync())).toEqual([0, 0]);
    expect(Array.from(ones()([2], random).dataSync())).toEqual([1, 1]);
    expect(Array.from(constant(3)([2], random).dataSync())).toEqual([3, 3]);
  });

  it('uniform reaches both of its ends', () => {
    const values = uniform(2, 3)([10_000], new Random(2));
    expect(tf.min(values).dataSync()[0]).toBeLessThan(2.001);
    expect(tf.max(values).dataSync()[0]).toBeGreaterThan(2.999);
  });

  it('reads the fans of a convolution from its receptive field', () => {
    expect(fansOf([3, 3, 16, 32])).toEqual({ fanIn: 144, fanOut: 288 });
    expect(() => fansOf([5])).toThrow('the shape [5] has no fans');
  });
});

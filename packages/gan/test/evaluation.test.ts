import { tf, useBackend } from '@milestones/backend';
import { generateDigits } from '@milestones/datasets';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  classifierAccuracy,
  classify,
  classShares,
  gaussianPicture,
  gaussianSchema,
  playGaussian,
  trainClassifier,
} from '../src/index.ts';

beforeAll(async () => {
  await useBackend('onnx');
});

describe('the classifier that counts classes', () => {
  it('learns to read generated digits, and finds the shares of a known mixture', async () => {
    const digits = generateDigits({ count: 800, seed: 1, size: 12 });
    const before = tf.memory().numTensors;
    const classifier = await trainClassifier(digits, { epochs: 12, seed: 1 });
    expect(await classifierAccuracy(classifier, digits)).toBeGreaterThan(70);
    const pixels = Float32Array.from(digits.images, (byte) => byte / 255);
    const sevens = pixels.slice(7 * 144, 8 * 144);
    const collapsed = new Float32Array(50 * 144).map((_, index) => sevens[index % 144]!);
    const shares = classShares(await classify(classifier, collapsed), 10);
    expect(shares[7]).toBe(100);
    expect(Math.min(...shares)).toBe(0);
    classifier.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await expect(classify(classifier, new Float32Array(5))).rejects.toThrow('give whole images');
  });
});

describe('the one-dimensional game', () => {
  const config = v.parse(gaussianSchema, { steps: 50, hidden: 8, batchSize: 32, logEvery: 10 });

  it('is the same for the same seed, logs as planned, and leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    const logged: number[] = [];
    const one = await playGaussian(config, 3, { onLosses: (step) => void logged.push(step) });
    expect(logged).toEqual([10, 20, 30, 40, 50]);
    expect(one.moments.map(({ step }) => step)).toEqual([0, 1, 5, 50]);
    expect(await playGaussian(config, 3)).toEqual(one);
    expect((await playGaussian(config, 4)).discriminatorLoss).not.toBe(one.discriminatorLoss);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('tends to ln 4', async () => {
    const { discriminatorLoss, mean } = await playGaussian(v.parse(gaussianSchema, { steps: 1500, batchSize: 128 }), 1);
    expect(Math.abs(discriminatorLoss - Math.log(4))).toBeLessThan(0.06);
    expect(Math.abs(mean - 1)).toBeLessThan(0.2);
  });

  it('is drawn: a panel for each moment, with three curves', async () => {
    const { moments } = await playGaussian(config, 1);
    const svg = gaussianPicture(moments, config);
    expect(svg.match(/<polyline/g)).toHaveLength(12);
    expect(svg).toContain('after 50 updates');
    expect(svg).not.toContain('NaN');
    expect(() => gaussianPicture([], config)).toThrow('no moments arrived');
  });
});

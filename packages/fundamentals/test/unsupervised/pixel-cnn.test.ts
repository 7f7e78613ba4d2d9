import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { binarize, coinNats, greyImages, takeImages } from '../../src/unsupervised/grey-images.ts';
import { gradientReach, PixelCnn } from '../../src/unsupervised/pixel-cnn-net.ts';
import { pixelCnn } from '../../src/unsupervised/pixel-cnn.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

const four = { count: 2, height: 4, width: 4, channels: 1, name: 'test', labels: new Uint8Array(2), classNames: ['a'] };

describe('grey images', () => {
  const images = Uint8Array.from({ length: 32 }, (_, index) => (index < 16 ? 255 * (index % 2) : 51));

  it('are means of squares', () => {
    const { values, size, count } = greyImages({ ...four, images }, 2);
    expect({ size, count }).toEqual({ size: 2, count: 2 });
    expect([...values].map((value) => Number(value.toFixed(6)))).toEqual([0.5, 0.5, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2]);
    expect(() => greyImages({ ...four, images }, 3)).toThrow('to be shrunk 3 times');
  });

  it('become black and white by brightness, drawn or by a threshold', () => {
    const values = Float32Array.from({ length: 10_000 }, (_, index) => (index % 2 === 0 ? 0.2 : 0.9));
    const grey = { values, count: 100, size: 10 };
    const drawn = binarize(grey, new Random(1)).values;
    const share = (rest: number): number =>
      drawn.filter((_, index) => index % 2 === rest).reduce((sum, value) => sum + value, 0) / 5000;
    expect(share(0)).toBeCloseTo(0.2, 1);
    expect(share(1)).toBeCloseTo(0.9, 1);
    expect([...binarize(grey).values.subarray(0, 4)]).toEqual([0, 1, 0, 1]);
    expect([...takeImages({ values: Float32Array.of(1, 2, 3), count: 3, size: 1 }, [2, 0])]).toEqual([3, 1]);
  });
});

describe('coinNats', () => {
  it('is the entropy of the share of ones in the training images, with one image more of each kind', () => {
    const train = { values: Float32Array.of(1, 1, 0, 1, 1, 1), count: 6, size: 1 };
    const test = { values: Float32Array.of(1, 0), count: 2, size: 1 };
    expect(coinNats(train, test)).toBeCloseTo(-(Math.log(6 / 8) + Math.log(2 / 8)) / 2, 6);
  });
});

describe('pixel-cnn', () => {
  it('lets no output depend on its own or a later pixel, and lets it on earlier ones', () => {
    const model = new PixelCnn({ half: 3, blocks: 2 }).initialize(1);
    const image = tf.tensor4d(new Random(2).uniformArray(49), [1, 7, 7, 1]);
    const { leak, reach } = gradientReach(model, image);
    expect(leak).toBe(0);
    expect(reach).toBeGreaterThan(1e-4);
    image.dispose();
    model.dispose();
  });

  it('is the model of table 1: 7 × 7, then blocks of 2 h → h → h → 2 h', () => {
    const block = 32 * 16 + 16 + 9 * 16 * 16 + 16 + 16 * 32 + 32;
    const ends = 49 * 32 + 32 + (32 * 32 + 32) + (32 + 1);
    expect(new PixelCnn({ half: 16, blocks: 5 }).parameterCount()).toBe(5 * block + ends);
  });

  it('beats single pixels', async () => {
    const { metrics } = await runQuick(pixelCnn, {
      count: 400,
      testCount: 60,
      steps: 60,
      samples: 1,
      learningRate: 0.02,
    });
    expect(metrics['shareOfCoins']).toBeLessThan(1);
    expect(metrics['leak']).toBe(0);
  });
});

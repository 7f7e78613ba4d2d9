import { generateDigits, generateShapes, ImageBatches } from '@milestones/datasets';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { augmentationSchema, viewsOf, type AugmentationConfig } from '../src/index.ts';

const configOf = (options: Partial<AugmentationConfig> = {}) => v.parse(augmentationSchema, options);
const images = generateShapes({ count: 8, seed: 1, size: 16 });

describe('the policy', () => {
  it('is that of appendix A, with colours of strength 0.5', () => {
    expect(viewsOf(configOf(), images)).toEqual([
      {
        kind: 'randomResizedCrop',
        size: 16,
        scale: [0.08, 1],
        ratio: [3 / 4, 4 / 3],
        interpolation: 'bicubic',
      },
      { kind: 'flip', probability: 0.5 },
      { kind: 'colorJitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, probability: 0.8 },
      { kind: 'grayscale', probability: 0.2 },
    ]);
    const kinds = (options: Partial<AugmentationConfig>) => viewsOf(configOf(options), images).map(({ kind }) => kind);
    expect(kinds({ color: false })).toEqual(['randomResizedCrop', 'flip']);
    expect(kinds({ crop: false })).toEqual(['flip', 'colorJitter', 'grayscale']);
    expect(kinds({ crop: false, color: false, size: 8, blurProbability: 0.5 })).toEqual(['centerCrop', 'flip', 'blur']);
  });

  it('makes two different views of each image, in two blocks, from 0 to 1', async () => {
    const augmentation = viewsOf(configOf({ size: 12 }), images);
    const batches = new ImageBatches({ dataset: images, batchSize: 4, seed: 3, augmentation, views: 2, workers: 0 });
    const { images: pixels, shape, labels } = await batches.next();
    expect(shape).toEqual([8, 12, 12, 3]);
    expect([...labels.subarray(0, 4)]).toEqual([...labels.subarray(4)]);
    const size = 12 * 12 * 3;
    for (let image = 0; image < 4; image++) {
      expect(pixels.subarray(image * size, (image + 1) * size)).not.toEqual(
        pixels.subarray((image + 4) * size, (image + 5) * size),
      );
    }
    expect(Math.min(...pixels)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...pixels)).toBeLessThanOrEqual(1);
    await batches.dispose();
  });

  it('refuses images smaller than the crop, grey ones and empty ranges', () => {
    expect(() => viewsOf(configOf({ size: 32 }), images)).toThrow(
      'has images of 16×16 and a view is to be 32×32; choose augmentation.size of at most 16, or 0.',
    );
    const digits = generateDigits({ count: 2 });
    expect(() => viewsOf(configOf(), digits)).toThrow('has images of 1 channel, without colours');
    expect(viewsOf(configOf({ color: false }), digits)).toHaveLength(2);
    expect(() => configOf({ scaleLow: 0.5, scaleHigh: 0.2 })).toThrow('pieces from 0.5 to 0.2 of the area are none');
  });
});

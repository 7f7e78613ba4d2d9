import { describe, expect, it } from 'vitest';
import { type ImageDataset, checkImageDataset, generateDigits, generateShapes } from '../../src/index.ts';

/** Share of `test` whose nearest class mean of `train` is its own: what a model without any idea of form reaches. */
function nearestMeanAccuracy(train: ImageDataset, test: ImageDataset): number {
  const size = train.height * train.width * train.channels;
  const means = train.classNames.map(() => new Float64Array(size));
  const counts = train.classNames.map(() => 0);
  for (let image = 0; image < train.count; image++) {
    const mean = means[train.labels[image]!]!;
    counts[train.labels[image]!]!++;
    for (let index = 0; index < size; index++) mean[index]! += train.images[image * size + index]!;
  }
  let right = 0;
  for (let image = 0; image < test.count; image++) {
    const distances = means.map((mean, label) => {
      let sum = 0;
      for (let index = 0; index < size; index++) {
        sum += (mean[index]! / counts[label]! - test.images[image * size + index]!) ** 2;
      }
      return sum;
    });
    if (distances.indexOf(Math.min(...distances)) === test.labels[image]) right++;
  }
  return right / test.count;
}

describe.each([
  ['digits', generateDigits, 28, 1, 0.4, 0.8],
  // Shapes are as often darker as lighter than the ground: their mean shows nothing.
  ['shapes', generateShapes, 32, 3, 0.05, 0.3],
])('generated %s', (_name, generate, size, channels, least, most) => {
  const train = generate({ count: 300, seed: 3 });

  it('are a complete data set of ten classes in turn', () => {
    checkImageDataset(train, 'test');
    expect(train).toMatchObject({ count: 300, height: size, width: size, channels });
    expect(train.classNames).toHaveLength(10);
    expect([...train.labels.subarray(0, 12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  });

  it('depend on the seed and the part alone, image by image', () => {
    const bytes = size * size * channels;
    expect(generate({ count: 20, seed: 3 }).images).toEqual(train.images.subarray(0, 20 * bytes));
    expect(generate({ count: 20, seed: 4 }).images).not.toEqual(train.images.subarray(0, 20 * bytes));
    expect(generate({ count: 20, seed: 3, part: 'test' }).images).not.toEqual(train.images.subarray(0, 20 * bytes));
  });

  it('no two are alike, and each shows something', () => {
    const bytes = size * size * channels;
    const texts = new Set<string>();
    for (let image = 0; image < train.count; image++) {
      const pixels = train.images.subarray(image * bytes, (image + 1) * bytes);
      texts.add(pixels.join());
      expect(Math.max(...pixels) - Math.min(...pixels)).toBeGreaterThan(60);
    }
    expect(texts.size).toBe(300);
  });

  it('are not told apart by where pixels are bright on average', () => {
    const accuracy = nearestMeanAccuracy(train, generate({ count: 300, seed: 3, part: 'test' }));
    expect(accuracy).toBeGreaterThan(least);
    expect(accuracy).toBeLessThan(most);
  });

  it('come in other sizes', () => {
    expect(generate({ count: 2, size: 16 })).toMatchObject({ height: 16, width: 16 });
    expect(() => generate({ count: 0 })).toThrow('0 images were asked for');
    expect(() => generate({ count: 1, size: 4 })).toThrow('images of 4 pixels were asked for');
    expect(() => generate({ count: 1, part: 'valid' as never })).toThrow('the part "valid" arrived');
  });
});

/** Loads the images that a configuration names. */
import { generateDigits, selectImages, type ImageDataset } from '@milestones/datasets';
import { loadFashionMnist, loadMnist } from '@milestones/datasets/node';
import type { DataConfig } from '../config.ts';

/** The parts of a data set. */
export interface ImageSplits {
  train: ImageDataset;
  /** The last training images, held out. */
  validation: ImageDataset;
  test: ImageDataset;
}

/** Loads (and, if need be, downloads) the images. As in the published configuration, the last training images validate. */
export async function loadImages(
  { set, validationImages, generatedTrain, generatedTest }: DataConfig,
  seed: number,
  options: Parameters<typeof loadMnist>[1] = {},
): Promise<ImageSplits> {
  const load = set === 'fashion' ? loadFashionMnist : loadMnist;
  const [all, test] =
    set === 'digits'
      ? [
          generateDigits({ count: generatedTrain + validationImages, seed }),
          generateDigits({ count: generatedTest, seed, part: 'test' }),
        ]
      : [await load('train', options), await load('test', options)];
  const left = all.count - validationImages;
  if (left < 1) {
    throw new Error(
      `gan: ${all.name} has ${all.count} training images and ${validationImages} are to be held out; lower ` +
        'data.validationImages.',
    );
  }
  return {
    train: selectImages(all, range(0, left)),
    validation: selectImages(all, range(left, all.count)),
    test,
  };
}

/** [N, P], flat, from 0 to 1. */
export function pixelsOf({ images }: ImageDataset): Float32Array {
  const pixels = new Float32Array(images.length); // Float32Array.from would make a list of all of them first.
  for (let index = 0; index < images.length; index++) pixels[index] = images[index]! / 255;
  return pixels;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

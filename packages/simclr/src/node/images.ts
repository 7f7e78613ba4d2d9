/** Loads the images that a configuration names, and splits them. */
import { Random } from '@milestones/core';
import { generateShapes, selectImages } from '@milestones/datasets';
import { loadCifar10 } from '@milestones/datasets/node';
import type { DataConfig } from '../config.ts';
import type { ImageSplits } from '../judge.ts';

/** Loads (and, if need be, downloads) the images. The chosen and the held-out ones are drawn by the seed. */
export async function loadImages(
  { set, trainImages, heldOutImages, generatedTrain, generatedTest }: DataConfig,
  seed: number,
  options: Parameters<typeof loadCifar10>[1] = {},
): Promise<ImageSplits> {
  const [all, test] =
    set === 'shapes'
      ? [generateShapes({ count: generatedTrain, seed }), generateShapes({ count: generatedTest, seed, part: 'test' })]
      : [await loadCifar10('train', options), await loadCifar10('test', options)];
  const left = all.count - heldOutImages;
  const wanted = trainImages === 0 ? left : trainImages;
  if (wanted < 1 || wanted > left) {
    throw new Error(
      `simclr: ${all.name} has ${all.count} training images; ${heldOutImages} are to be held out and ${trainImages} to be ` +
        'trained on: lower data.heldOutImages or data.trainImages.',
    );
  }
  const order = new Random(seed, 'split').permutation(all.count);
  return {
    train: wanted === all.count ? all : selectImages(all, order.slice(heldOutImages, heldOutImages + wanted).sort()),
    test: heldOutImages === 0 ? test : selectImages(all, order.slice(0, heldOutImages).sort()),
  };
}

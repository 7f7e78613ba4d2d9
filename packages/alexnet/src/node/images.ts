/** Loads the images that a configuration names. */
import { join } from 'node:path';
import { Random } from '@milestones/core';
import { channelStatistics, generateShapes, selectImages, type ImageDataset } from '@milestones/datasets';
import { loadCifar10, loadImageFolder } from '@milestones/datasets/node';
import { imageSize } from '../model.ts';
import type { RunConfig } from '../config.ts';
import type { Preprocessing } from '../predict.ts';

/** Side of the images that AlexNet's pieces of 224 are cut from (section 4.1). */
const wholeSize = 256;

/** The parts of a data set, and how its pixels are normalised. */
export interface ImageSplits {
  train: ImageDataset;
  test: ImageDataset;
  preprocessing: Preprocessing;
}

/** Loads (and, if need be, downloads) the images. Chosen ones are drawn by the seed; the mean is of those trained on. */
export async function loadImages(
  { data, experiment }: RunConfig,
  seed: number,
  options: Parameters<typeof loadCifar10>[1] = {},
): Promise<ImageSplits> {
  const imagenet = experiment.nets.includes('imagenet');
  const { train: all, test } = await loadParts(data, imagenet ? wholeSize : 32, seed, options);
  if (data.trainImages > all.count) {
    throw new Error(
      `alexnet: ${all.name} has ${all.count} training images and data.trainImages is ${data.trainImages}; lower it, or set it to 0 for all.`,
    );
  }
  const chosen = new Random(seed, 'split').permutation(all.count).slice(0, data.trainImages).sort();
  const train = data.trainImages === 0 || data.trainImages === all.count ? all : selectImages(all, chosen);
  const { mean, deviation } = channelStatistics(train);
  const round = (value: number): number => Number(value.toFixed(4));
  return {
    train,
    test,
    preprocessing: {
      size: all.height,
      ...(imagenet && { crop: imageSize }),
      mean: mean.map(round),
      deviation: data.pixelScale === 'bytes' ? mean.map(() => 1 / 255) : deviation.map(round),
    },
  };
}

async function loadParts(
  { set, folder, generatedTrain, generatedTest }: RunConfig['data'],
  size: number,
  seed: number,
  options: Parameters<typeof loadCifar10>[1],
): Promise<{ train: ImageDataset; test: ImageDataset }> {
  if (set === 'folder') {
    if (folder === '') {
      throw new Error('alexnet: data.set is folder and data.folder is empty; add --set data.folder=<path>.');
    }
    const [train, test] = await Promise.all(
      ['train', 'test'].map((part) => loadImageFolder(join(folder, part), { size })),
    );
    return { train: train!, test: test! };
  }
  if (set === 'shapes') {
    const made = generateShapes({ count: generatedTrain + generatedTest, seed, size });
    const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
    return {
      train: selectImages(made, range(0, generatedTrain)),
      test: selectImages(made, range(generatedTrain, made.count)),
    };
  }
  return { train: await loadCifar10('train', options), test: await loadCifar10('test', options) };
}

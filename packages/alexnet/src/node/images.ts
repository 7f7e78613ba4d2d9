/** Loads the images that a configuration names. */
import { join } from 'node:path';
import { Random } from '@milestones/core';
import {
  channelStatistics,
  generateDigits,
  generateShapes,
  selectImages,
  type ImageDataset,
  type Preprocessing,
} from '@milestones/datasets';
import { loadCifar10, loadImageFolder } from '@milestones/datasets/node';
import { imageSize } from '../model.ts';
import type { RunConfig } from '../config.ts';

/** Side of the images that AlexNet's pieces of 224 are cut from (section 4.1). */
const wholeSize = 256;

/** The parts of a data set, and how its pixels are normalised. */
export interface ImageSplits {
  train: ImageDataset;
  /** Held out of the training images; undefined where the configuration holds none out. */
  validation: ImageDataset | undefined;
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
  const { validationImages, trainImages } = data;
  const left = all.count - validationImages;
  if (left < 1 || trainImages > left) {
    throw new Error(
      `alexnet: ${all.name} has ${all.count} training images; ${validationImages} are to be held out and ${trainImages} to ` +
        'be trained on: lower data.validationImages or data.trainImages (0: all that are left).',
    );
  }
  const validation = validationImages === 0 ? undefined : selectImages(all, range(left, all.count));
  const chosen = new Random(seed, 'split').permutation(left).slice(0, trainImages).sort();
  const wanted = trainImages === 0 || trainImages === left ? range(0, left) : chosen;
  const train = wanted.length === all.count ? all : selectImages(all, wanted);
  const { mean, deviation } = channelStatistics(train);
  const round = (value: number): number => Number(value.toFixed(4));
  return {
    train,
    validation,
    test,
    preprocessing: {
      size: all.height,
      ...(imagenet && { crop: imageSize }),
      mean: mean.map(round),
      deviation: data.pixelScale === 'bytes' ? mean.map(() => 1 / 255) : deviation.map(round),
    },
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
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
  if (set === 'digits' || set === 'shapes') {
    const generate = set === 'digits' ? generateDigits : generateShapes;
    const made = generate({ count: generatedTrain + generatedTest, seed, size });
    return {
      train: selectImages(made, range(0, generatedTrain)),
      test: selectImages(made, range(generatedTrain, made.count)),
    };
  }
  return { train: await loadCifar10('train', options), test: await loadCifar10('test', options) };
}

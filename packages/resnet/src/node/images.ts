/** Loads the images that a configuration names, and splits them. */
import { Random } from '@milestones/core';
import {
  channelStatistics,
  generateDigits,
  generateShapes,
  selectImages,
  type ImageDataset,
  type Preprocessing,
} from '@milestones/datasets';
import { loadCifar10, loadMnist } from '@milestones/datasets/node';
import type { DataConfig } from '../config.ts';

/** The parts of a data set, and how its pixels are normalised. */
export interface ImageSplits {
  train: ImageDataset;
  /** Held out of the training images; undefined where the configuration holds none out. */
  validation: ImageDataset | undefined;
  test: ImageDataset;
  preprocessing: Preprocessing;
}

/**
 * Loads (and, if need be, downloads) the images. The held-out and the chosen ones are drawn by the seed; the
 * normalisation is that of the images trained on.
 */
export async function loadImages(
  config: DataConfig,
  seed: number,
  options: Parameters<typeof loadCifar10>[1] = {},
): Promise<ImageSplits> {
  const { train: all, test } = await loadParts(config, seed, options);
  const order = new Random(seed, 'split').permutation(all.count);
  const { validationImages, trainImages } = config;
  const left = all.count - validationImages;
  const wanted = trainImages === 0 ? left : trainImages;
  if (wanted < 1 || wanted > left) {
    throw new Error(
      `resnet: ${all.name} has ${all.count} training images; ${validationImages} are to be held out and ${trainImages} to ` +
        'be trained on: lower data.validationImages or data.trainImages.',
    );
  }
  const whole = wanted === all.count;
  const train = whole ? all : selectImages(all, order.slice(validationImages, validationImages + wanted).sort());
  const validation = validationImages === 0 ? undefined : selectImages(all, order.slice(0, validationImages).sort());
  const { mean, deviation } = channelStatistics(train);
  const round = (value: number): number => Number(value.toFixed(4));
  return {
    train,
    validation,
    test,
    preprocessing: { size: all.height, mean: mean.map(round), deviation: deviation.map(round) },
  };
}

async function loadParts(
  { set, generatedTrain, generatedTest }: DataConfig,
  seed: number,
  options: Parameters<typeof loadCifar10>[1],
): Promise<{ train: ImageDataset; test: ImageDataset }> {
  if (set === 'digits' || set === 'shapes') {
    const generate = set === 'digits' ? generateDigits : generateShapes;
    const made = generate({ count: generatedTrain + generatedTest, seed });
    const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
    return {
      train: selectImages(made, range(0, generatedTrain)),
      test: selectImages(made, range(generatedTrain, made.count)),
    };
  }
  const load = set === 'cifar10' ? loadCifar10 : loadMnist;
  return { train: await load('train', options), test: await load('test', options) };
}

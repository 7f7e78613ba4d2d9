/** How good representations are: nearest neighbours and a linear probe; and what learning has to beat. */
import { compile, tf } from '@milestones/backend';
import { evaluationBatches, ImageBatches, selectImages, type ImageDataset } from '@milestones/datasets';
import type { AugmentationConfig, EvaluationConfig } from './config.ts';
import { linearProbeAccuracy } from './linear-probe.ts';
import type { SimCLR } from './model.ts';
import { nearestNeighborAccuracy, nearestNeighbors } from './nearest-neighbors.ts';
import { representImages, representPixels, type Representations } from './represent.ts';
import { viewsOf } from './views.ts';

/** Images to learn from, and images to judge by. */
export interface ImageSplits {
  /** Without labels to train on; with labels the bank of nearest neighbours and the training set of the linear probe. */
  train: ImageDataset;
  test: ImageDataset;
}

/** Accuracies in percent. */
export interface Accuracies {
  knn: number;
  linear: number;
}

/** Judges representations of the training and the test images. */
export async function judge(
  bank: Representations,
  queries: Representations,
  config: EvaluationConfig,
  { classes, seed }: { classes: number; seed: number },
): Promise<Accuracies> {
  const { neighbors, voteTemperature: temperature, probeEpochs: epochs, probeBatch: batchSize } = config;
  return {
    knn: await nearestNeighborAccuracy(bank, queries, { neighbors, temperature, classes }),
    linear: await linearProbeAccuracy(bank, queries, {
      epochs,
      batchSize,
      learningRate: config.probeRate,
      classes,
      seed,
    }),
  };
}

/**
 * Judges the pixels themselves, and a network as it was initialised.
 *
 * @param options `views`: what {@link viewsToPair} made
 */
export async function judgeBaselines(
  untrained: SimCLR,
  images: ImageSplits,
  config: EvaluationConfig,
  options: { views: ImageDataset; seed: number },
): Promise<{ pixels: Accuracies & { partner: number }; random: Accuracies & { partner: number } }> {
  const { views, seed } = options;
  const facts = { classes: images.train.classNames.length, seed };
  const pixels = await judge(representPixels(images.train), representPixels(images.test), config, facts);
  await settleStatistics(untrained, images.train);
  const bank = await representImages(untrained, images.train, config.batchSize);
  const queries = await representImages(untrained, images.test, config.batchSize);
  const random = await judge(bank.h, queries.h, config, facts);
  const paired = await representImages(untrained, views, config.batchSize);
  return {
    pixels: { ...pixels, partner: await partnerAccuracy(representPixels(views)) },
    random: { ...random, partner: await partnerAccuracy(paired.h) },
  };
}

const settlingBatches = 40;

/**
 * Lets batch norm see some batches, as training would: with the estimates that it begins with, an untrained encoder would
 * be a worse rival than it has to be.
 */
async function settleStatistics(model: SimCLR, images: ImageDataset): Promise<void> {
  model.train();
  const step = compile((batch: tf.Tensor4D) => tf.mean(model.represent(batch)));
  try {
    let count = 0;
    for (const batch of evaluationBatches(images, Math.min(128, images.count))) {
      if (count++ === settlingBatches) break;
      const input = tf.tensor4d(batch.images, batch.shape);
      tf.dispose([input, await step(input)]);
    }
  } finally {
    await step.dispose();
    model.eval();
  }
}

/**
 * Two views of each of the first images, as images again: the first views, then the second ones in the same order. For
 * {@link partnerAccuracy}.
 */
export async function viewsToPair(
  images: ImageDataset,
  augmentation: AugmentationConfig,
  { count, seed }: { count: number; seed: number },
): Promise<ImageDataset> {
  const batchSize = Math.min(count, images.count);
  const batches = new ImageBatches({
    dataset: images,
    batchSize,
    seed,
    augmentation: viewsOf(augmentation, images),
    shuffle: false,
    views: 2,
    workers: 0,
    stream: 'pairs',
  });
  const { images: values, shape, labels } = await batches.next();
  await batches.dispose();
  const [rows, height, width, channels] = shape;
  const bytes = Uint8Array.from(values, (value) => Math.round(255 * value));
  const { classNames } = images;
  return { name: `views of ${images.name}`, images: bytes, labels, count: rows, height, width, channels, classNames };
}

/**
 * How many views find their partner: of the 2N − 1 others, the one with the largest cosine is the other view of the same
 * image. In percent; 100 / (2N − 1) by chance. This is what training asks for, on images that it has not seen.
 *
 * @param views of 2N views, those of N images first and their partners next
 */
export async function partnerAccuracy(views: Representations): Promise<number> {
  const { indices } = await nearestNeighbors(views, views, 2);
  const half = views.count / 2;
  let right = 0;
  for (let view = 0; view < views.count; view++) {
    // The nearest is the view itself, unless another one is equal to it.
    const nearest = indices[2 * view] === view ? indices[2 * view + 1]! : indices[2 * view]!;
    if (nearest === (view + half) % views.count) right++;
  }
  return (100 * right) / views.count;
}

/** A quick look during training: nearest neighbours of h among a few images, accuracy in percent. */
export async function monitor(model: SimCLR, images: ImageSplits, config: EvaluationConfig): Promise<number> {
  const first = (set: ImageDataset, count: number): ImageDataset =>
    selectImages(
      set,
      Array.from({ length: Math.min(count, set.count) }, (_, index) => index),
    );
  const bank = await representImages(model, first(images.train, config.monitorBank), config.batchSize);
  const queries = await representImages(model, first(images.test, config.monitorQueries), config.batchSize);
  return nearestNeighborAccuracy(bank.h, queries.h, {
    neighbors: Math.min(config.neighbors, bank.h.count),
    temperature: config.voteTemperature,
    classes: images.train.classNames.length,
  });
}

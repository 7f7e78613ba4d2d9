/** How good representations are: nearest neighbours and a linear probe; and what learning has to beat. */
import { compile, tf } from '@milestones/backend';
import { evaluationBatches, selectImages, type ImageDataset } from '@milestones/datasets';
import type { EvaluationConfig } from './config.ts';
import { linearProbeAccuracy } from './linear-probe.ts';
import type { SimCLR } from './model.ts';
import { nearestNeighborAccuracy } from './nearest-neighbors.ts';
import { representImages, representPixels, type Representations } from './represent.ts';

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

/** Judges the pixels themselves, and a network as it was initialised. */
export async function judgeBaselines(
  untrained: SimCLR,
  images: ImageSplits,
  config: EvaluationConfig,
  seed: number,
): Promise<{ pixels: Accuracies; random: Accuracies }> {
  const options = { classes: images.train.classNames.length, seed };
  const pixels = await judge(representPixels(images.train), representPixels(images.test), config, options);
  await settleStatistics(untrained, images.train);
  const bank = await representImages(untrained, images.train, config.batchSize);
  const queries = await representImages(untrained, images.test, config.batchSize);
  return { pixels, random: await judge(bank.h, queries.h, config, options) };
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

/**
 * A small classifier, trained on real images, that counts which classes a generator makes: a generator that has collapsed
 * leaves some out. Nothing of the paper.
 */
import { compile, tf } from '@milestones/backend';
import { Adam, crossEntropyLoss, Dense, Module, valueAndGradients } from '@milestones/core';
import { evaluationBatches, ImageBatches, type ImageDataset } from '@milestones/datasets';

/** P → 256 ReLU → K logits. */
export class Classifier extends Module {
  readonly hidden: Dense;
  readonly output: Dense;
  readonly pixels: number;
  readonly classes: number;

  constructor(pixels: number, classes: number) {
    super();
    this.pixels = pixels;
    this.classes = classes;
    this.hidden = new Dense(pixels, 256);
    this.output = new Dense(256, classes);
  }

  /** Images [B, P] → logits [B, K]. */
  forward(images: tf.Tensor2D): tf.Tensor2D {
    return this.output.forward(tf.relu(this.hidden.forward(images))) as tf.Tensor2D;
  }
}

/** Trains a classifier with Adam, batches of 100. The caller disposes it. */
export async function trainClassifier(
  images: ImageDataset,
  { epochs, seed }: { epochs: number; seed: number },
): Promise<Classifier> {
  const { height, width, channels, count, classNames } = images;
  const model = new Classifier(height * width * channels, classNames.length).initialize(seed);
  const parameters = model.trainableParameters();
  const optimizer = new Adam().initialize(parameters);
  const step = compile((x: tf.Tensor2D, labels: tf.Tensor1D) => {
    const { value, gradients } = valueAndGradients(() => crossEntropyLoss(model.forward(x), labels), parameters);
    optimizer.update(parameters, gradients, 1e-3);
    return { loss: value };
  });
  const batches = new ImageBatches({ dataset: images, batchSize: Math.min(100, count), seed, stream: 'classifier' });
  try {
    for (let update = 0; update < epochs * batches.batchesPerEpoch; update++) {
      const batch = await batches.next();
      const x = tf.tensor2d(batch.images, [batch.shape[0], model.pixels]);
      const labels = tf.tensor1d(batch.labels, 'int32');
      const { loss } = await step(x, labels);
      tf.dispose([x, labels, loss]);
    }
  } finally {
    await batches.dispose();
    await step.dispose();
    optimizer.dispose();
  }
  return model;
}

/** The class of each image of [N, P], flat. */
export async function classify(model: Classifier, images: Float32Array): Promise<Uint8Array> {
  const { pixels } = model;
  const count = images.length / pixels;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(`classify: ${images.length} values arrived for images of ${pixels} pixels; give whole images.`);
  }
  const step = compile((x: tf.Tensor2D) => tf.argMax(model.forward(x), 1));
  const labels = new Uint8Array(count);
  try {
    for (let start = 0; start < count; start += 500) {
      const rows = Math.min(500, count - start);
      const x = tf.tensor2d(images.subarray(start * pixels, (start + rows) * pixels), [rows, pixels]);
      const result = await step(x);
      labels.set(await result.data(), start);
      tf.dispose([x, result]);
    }
  } finally {
    await step.dispose();
  }
  return labels;
}

/** Share of right answers, in percent. */
export async function classifierAccuracy(model: Classifier, images: ImageDataset): Promise<number> {
  let right = 0;
  for (const batch of evaluationBatches(images, 500)) {
    const found = await classify(model, batch.images);
    right += found.reduce((sum, label, row) => sum + Number(label === batch.labels[row]), 0);
  }
  return (100 * right) / images.count;
}

/** Share of each class among labels, in percent: [K]. */
export function classShares(labels: Uint8Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts.map((count) => (100 * count) / labels.length);
}

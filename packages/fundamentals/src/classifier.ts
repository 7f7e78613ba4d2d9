/**
 * A fully connected classifier of images and its training, for experiments whose subject is something else: what they vary
 * (initial weights, dropout, optimizer, loss, augmentation) they hand in.
 * Dimensions: B batch, P pixels, K classes.
 */
import { compile, tf } from '@milestones/backend';
import {
  crossEntropyLoss,
  Dense,
  Dropout,
  heNormal,
  Module,
  Random,
  RandomKey,
  valueAndGradients,
  zeros,
  type Initializer,
  type Optimizer,
} from '@milestones/core';
import { evaluationBatches, ImageBatches, type AugmentationStep, type ImageDataset } from '@milestones/datasets';

/** How a {@link Perceptron} is built. */
export interface PerceptronOptions {
  /** P, H, …, K. */
  sizes: readonly number[];
  /** Default ReLU. */
  activation?: (x: tf.Tensor) => tf.Tensor;
  /** Default: normal, He et al. 2015. */
  weightInitializer?: Initializer;
  /** Share of the hidden units that are dropped. Default 0. */
  dropout?: number;
  /** Share of the inputs that are dropped. Default 0. */
  inputDropout?: number;
}

/** P → H → … → K logits. */
export class Perceptron extends Module {
  readonly layers: Dense[];
  readonly inputDropout: Dropout;
  readonly dropout: Dropout;
  readonly #activation: (x: tf.Tensor) => tf.Tensor;

  constructor({ sizes, activation = tf.relu, weightInitializer = heNormal(), ...drop }: PerceptronOptions) {
    super();
    this.layers = sizes
      .slice(1)
      .map((size, index) => new Dense(sizes[index]!, size, { weightInitializer, biasInitializer: zeros() }));
    this.inputDropout = new Dropout(drop.inputDropout ?? 0);
    this.dropout = new Dropout(drop.dropout ?? 0);
    this.#activation = activation;
  }

  /** [B, P] → [B, K]; `key` where there is dropout and training mode. */
  forward(x: tf.Tensor, key?: RandomKey): tf.Tensor {
    let activity = this.inputDropout.forward(x, key?.fold('input')); // [B, P]
    for (const [index, layer] of this.layers.entries()) {
      activity = layer.forward(activity); // [B, H]; at last [B, K]
      if (index === this.layers.length - 1) break;
      activity = this.dropout.forward(this.#activation(activity), key?.fold(index));
    }
    return activity;
  }
}

/** Weights and biases of a {@link Perceptron} of these sizes, without building it. */
export function perceptronSize(sizes: readonly number[]): number {
  return sizes.slice(1).reduce((sum, size, index) => sum + (sizes[index]! + 1) * size, 0);
}

/** What {@link fit} and {@link evaluate} can train and test: logits [B, K] from flat images [B, P]. */
export interface Classifier extends Module {
  forward(x: tf.Tensor, key?: RandomKey): tf.Tensor;
}

/** How a classifier is trained. */
export interface FitOptions {
  images: ImageDataset;
  optimizer: Optimizer;
  learningRate: number;
  steps: number;
  batchSize: number;
  /** Decides the order of the images and all noise. */
  seed: number;
  /** Default: the cross-entropy. `key` is for losses that draw random numbers. */
  loss?: (logits: tf.Tensor, labels: tf.Tensor1D) => tf.Tensor;
  augmentation?: readonly AugmentationStep[];
  /** After each update, with the loss before it. */
  onStep?(step: number, loss: number): void | Promise<void>;
}

/** Trains `model` from where it stands; it is in evaluation mode afterwards. The optimizer starts anew and is freed. */
export async function fit(model: Classifier, options: FitOptions): Promise<void> {
  const { images, optimizer, steps, seed, loss = crossEntropyLoss } = options;
  const parameters = model.train().trainableParameters();
  optimizer.initialize(parameters);
  const step = compile((x: tf.Tensor2D, labels: tf.Tensor1D, rate: tf.Scalar, key: tf.Tensor1D) => {
    const { value, gradients } = valueAndGradients(
      () => loss(model.forward(x, new RandomKey(key)), labels),
      parameters,
    );
    optimizer.update(parameters, gradients, rate);
    return value;
  });
  const batches = new ImageBatches({
    dataset: images,
    batchSize: Math.min(options.batchSize, images.count),
    seed,
    augmentation: options.augmentation ?? [],
    workers: 0,
  });
  const random = new Random(seed, 'fit');
  const rate = tf.scalar(options.learningRate);
  try {
    for (let done = 1; done <= steps; done++) {
      const batch = await batches.next();
      const x = tf.tensor2d(batch.images, [batch.shape[0], batch.images.length / batch.shape[0]]);
      const labels = tf.tensor1d(batch.labels, 'int32');
      const key = random.keyAt(done);
      const result = await step(x, labels, rate, key);
      const [value] = await result.data();
      tf.dispose([x, labels, key, result]);
      await options.onStep?.(done, value!);
    }
  } finally {
    rate.dispose();
    await batches.dispose();
    await step.dispose();
    optimizer.dispose();
    model.eval();
  }
}

/** What a classifier makes of a data set. */
export interface Evaluation {
  /** Mean cross-entropy in nats. */
  loss: number;
  /** Share of right answers, in percent. */
  accuracy: number;
  /** [N, K], flat. */
  probabilities: Float32Array;
}

/** Tests `model`, in evaluation mode, on all images; it stays in the mode it was in. */
export async function evaluate(model: Classifier, images: ImageDataset): Promise<Evaluation> {
  const { training } = model;
  const batchSize = Math.min(500, images.count);
  const found: Float32Array[] = [];
  model.eval();
  const step = compile((x: tf.Tensor2D) => tf.softmax(model.forward(x)));
  for (const batch of evaluationBatches(images, batchSize)) {
    const x = tf.tensor2d(batch.images, [batch.shape[0], batch.images.length / batch.shape[0]]);
    const result = await step(x);
    found.push((await result.data()) as Float32Array);
    tf.dispose([x, result]);
  }
  await step.dispose();
  if (training) model.train();
  const classes = images.classNames.length;
  const probabilities = new Float32Array(images.count * classes);
  found.forEach((part, index) => probabilities.set(part, index * batchSize * classes));
  let right = 0;
  let loss = 0;
  for (let row = 0; row < images.count; row++) {
    const predicted = probabilities.subarray(row * classes, (row + 1) * classes);
    const label = images.labels[row]!;
    loss -= Math.log(Math.max(predicted[label]!, 1e-30));
    if (predicted.every((other) => other <= predicted[label]!)) right++;
  }
  return { loss: loss / images.count, accuracy: (100 * right) / images.count, probabilities };
}

/**
 * The same images, some with another label: each with probability `share` gets one of the classes at random (Zhang et al.
 * 2017, "Understanding deep learning requires rethinking generalization", section 2), which for one in K is the right one.
 */
export function corruptLabels(images: ImageDataset, share: number, random: Random): ImageDataset {
  const labels = Int32Array.from(images.labels, (label) => {
    const other = random.integer(images.classNames.length);
    return random.uniform() < share ? other : label;
  });
  return { ...images, labels };
}

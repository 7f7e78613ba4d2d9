/**
 * Training: cross-entropy, gradient descent with momentum, and the loop, all here to read. He et al. 2015, section 4.2.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  cosineSchedule,
  crossEntropyLoss,
  decayMatrices,
  mixUp,
  Random,
  SGD,
  stepSchedule,
  valueAndGradients,
  type Module,
  type Schedule,
} from '@milestones/core';
import {
  evaluationBatches,
  ImageBatches,
  preparationSteps,
  type AugmentationStep,
  type ImageDataset,
  type Preprocessing,
} from '@milestones/datasets';
import type { TrainingConfig } from './config.ts';

/** A network that scores images: [B, H, W, C] → logits [B, K], K = `classes`. */
export type Classifier = Module & { readonly classes: number; forward(images: tf.Tensor4D): tf.Tensor2D };

/** Images [B, H, W, C], labels [B], learning rate; with MixUp also λ [] and the partner of each image [B]. */
export type TrainStep = CompiledStep<[tf.Tensor4D, tf.Tensor1D, tf.Scalar, ...tf.Tensor[]], { loss: tf.Tensor }>;
/** Images [B, H, W, C], labels [B] → the sum of their losses and the number of right answers. */
export type EvaluateStep = CompiledStep<[tf.Tensor4D, tf.Tensor1D], { loss: tf.Tensor; right: tf.Tensor }>;

/** Gradient descent as the configuration has it, with its state allocated. */
export function createOptimizer(model: Module, config: TrainingConfig): SGD {
  const { momentum, nesterov, weightDecay, decayOnly } = config;
  const optimizer = new SGD({
    momentum,
    nesterov,
    weightDecay,
    ...(decayOnly === 'matrices' && { decay: decayMatrices }),
  });
  return optimizer.initialize(model.trainableParameters());
}

/**
 * L = cross-entropy, the mean over the batch. With MixUp the images and their labels are blends,
 * x̃ = λ x + (1 − λ) x′ and ỹ = λ y + (1 − λ) y′ (Zhang et al. 2018, section 2).
 */
export function classificationLoss(
  model: Classifier,
  images: tf.Tensor4D,
  labels: tf.Tensor1D,
  mixing: readonly tf.Tensor[] = [],
): tf.Tensor {
  const [lambda, partners] = mixing;
  if (lambda === undefined || partners === undefined) return crossEntropyLoss(model.forward(images), labels);
  const oneHot = tf.cast(tf.oneHot(labels, model.classes), 'float32') as tf.Tensor2D; // [B, K]
  const mixed = mixUp(images, oneHot, lambda as tf.Scalar, partners as tf.Tensor1D);
  return crossEntropyLoss(model.forward(mixed.images as tf.Tensor4D), mixed.targets);
}

/** One update: forward, loss, gradients, momentum. */
export function createTrainStep(model: Classifier, optimizer: SGD): TrainStep {
  const parameters = model.trainableParameters();
  return compile((images, labels, learningRate, ...mixing) => {
    const { value, gradients } = valueAndGradients(() => classificationLoss(model, images, labels, mixing), parameters);
    optimizer.update(parameters, gradients, learningRate);
    return { loss: value };
  });
}

/** Losses and right answers of a batch; the model must be in evaluation mode at the first call. */
export function createEvaluateStep(model: Classifier): EvaluateStep {
  return compile((images, labels) => {
    const logits = model.forward(images); // [B, K]
    const right = tf.equal(tf.cast(tf.argMax(logits, 1), 'int32'), labels);
    return { loss: crossEntropyLoss(logits, labels, { reduction: 'sum' }), right: tf.sum(tf.cast(right, 'float32')) };
  });
}

/** Learning rate by step; step 0 is the first update. */
export function learningRateSchedule(config: TrainingConfig): Schedule {
  const { learningRate: rate, schedule, boundaries, warmupSteps, steps } = config;
  if (schedule === 'steps') return stepSchedule({ rate, factor: 0.1, boundaries });
  return cosineSchedule({ rate, warmupSteps, decaySteps: steps });
}

/** What is done to the images of a training batch. Section 4.2: normalise, pad by 4 zeros (the mean), crop, mirror. */
export function augmentationOf(config: TrainingConfig, { mean, deviation }: Preprocessing): AugmentationStep[] {
  return [
    { kind: 'normalize', mean, deviation },
    ...(config.augmentation === 'cropAndFlip' ? [{ kind: 'padAndCrop', pixels: 4 } as const] : []),
    ...(config.augmentation === 'none' ? [] : [{ kind: 'flip' } as const]),
  ];
}

/** Mean loss in nats, and the share of right answers in percent. */
export interface Score {
  loss: number;
  accuracy: number;
}

/** Scores a data set, in its order. The model is in evaluation mode meanwhile: batch norm uses its running estimates. */
export async function evaluate(
  model: Classifier,
  step: EvaluateStep,
  dataset: ImageDataset,
  preprocessing: Preprocessing,
  batchSize: number,
): Promise<Score> {
  const wasTraining = model.training;
  model.eval();
  let loss = 0;
  let right = 0;
  for (const batch of evaluationBatches(dataset, batchSize, preparationSteps(preprocessing, dataset))) {
    const images = tf.tensor4d(batch.images, batch.shape);
    const labels = tf.tensor1d(batch.labels, 'int32');
    const result = await step(images, labels);
    loss += (await result.loss.data())[0]!;
    right += (await result.right.data())[0]!;
    tf.dispose([images, labels, result]);
  }
  if (wasTraining) model.train();
  return { loss: loss / dataset.count, accuracy: (100 * right) / dataset.count };
}

/** What a caller may want to know while {@link train} runs; all may be asynchronous. */
export interface TrainingEvents {
  /** After each update that is to be logged. */
  onLoss?(step: number, loss: number, learningRate: number): void | Promise<void>;
  /** After each evaluation, one score for each of the run's `evaluated` sets. */
  onEvaluation?(step: number, scores: Record<string, Score>): void | Promise<void>;
  /** After each update: true stops the run after this step. `due` says that a checkpoint is planned here. */
  onStep?(step: number, checkpointDue: boolean): boolean | Promise<boolean>;
}

/** What the training of one network needs. */
export interface TrainingRun {
  model: Classifier;
  optimizer: SGD;
  /** Images to train on. */
  images: ImageDataset;
  /** Sets to score during training, by name. */
  evaluated: Record<string, ImageDataset>;
  preprocessing: Preprocessing;
  config: TrainingConfig;
  seed: number;
  /** Number of updates that were already made; 0 for a new run. */
  startStep?: number;
  events?: TrainingEvents;
}

/**
 * The training loop. Everything random in it is a function of the seed and of the step, so that a run which was stopped
 * and continued is bit for bit the run that never stopped.
 *
 * @returns the number of updates made in all
 */
export async function train(run: TrainingRun): Promise<number> {
  const { model, optimizer, config, seed, events = {} } = run;
  const trainStep = createTrainStep(model, optimizer);
  const evaluateStep = createEvaluateStep(model);
  const schedule = learningRateSchedule(config);
  const batches = batchesOf(run);
  const mixing = new Random(seed, 'mixUp');
  const score = async (): Promise<Record<string, Score>> => {
    const scores: Record<string, Score> = {};
    for (const [name, dataset] of Object.entries(run.evaluated)) {
      scores[name] = await evaluate(model, evaluateStep, dataset, run.preprocessing, config.evaluationBatch);
    }
    return scores;
  };

  model.train();
  try {
    for (let step = run.startStep ?? 0; step < config.steps; step++) {
      const batch = await batches.next();
      const inputs = [
        tf.tensor4d(batch.images, batch.shape),
        tf.tensor1d(batch.labels, 'int32'),
        tf.scalar(schedule(step)),
        ...mixingTensors(mixing, step, config),
      ] as const;
      const { loss } = await trainStep(...inputs);
      const value = (await loss.data())[0]!;
      tf.dispose([...inputs, loss]);

      const done = step + 1;
      // A loss that is not finite must be seen at once, so it is reported even where no log is due.
      if (done % config.logEvery === 0 || !Number.isFinite(value)) await events.onLoss?.(done, value, schedule(step));
      if (done % config.evaluateEvery === 0 || done === config.steps) await events.onEvaluation?.(done, await score());
      const checkpointDue = done % config.checkpointEvery === 0 || done === config.steps;
      if (await events.onStep?.(done, checkpointDue)) return done;
    }
    return config.steps;
  } finally {
    await batches.dispose();
    await trainStep.dispose();
    await evaluateStep.dispose();
  }
}

/** Which images come at which step depends on the seed and the step alone. */
function batchesOf({ images, config, seed, preprocessing, startStep = 0 }: TrainingRun): ImageBatches {
  const { batchSize } = config;
  const augmentation = augmentationOf(config, preprocessing);
  const batches = new ImageBatches({ dataset: images, batchSize, seed, augmentation });
  batches.seek(startStep);
  return batches;
}

/** λ ~ Beta(α, α), and the image that each image is blended with; nothing without MixUp. */
function mixingTensors(random: Random, step: number, { mixUp: alpha, batchSize }: TrainingConfig): tf.Tensor[] {
  if (alpha === 0) return [];
  const draws = random.fork(String(step));
  const lambda = draws.beta(alpha, alpha);
  return [tf.scalar(lambda), tf.tensor1d(Int32Array.from(draws.permutation(batchSize)), 'int32')];
}

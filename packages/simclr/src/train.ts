/**
 * Training: two views of each image, NT-Xent, and the loop, all here to read. Chen et al. 2020, algorithm 1.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  Adam,
  cosineSchedule,
  decayMatrices,
  LARS,
  SGD,
  valueAndGradients,
  type Module,
  type Optimizer,
  type Schedule,
} from '@milestones/core';
import { ImageBatches, type ImageDataset } from '@milestones/datasets';
import type { AugmentationConfig, TrainingConfig } from './config.ts';
import { ntXentLoss } from './loss.ts';
import type { SimCLR } from './model.ts';
import { viewsOf } from './views.ts';

/** Views [2N, H, W, C] (first views, then second views) and learning rate → the loss, in nats. */
export type TrainStep = CompiledStep<[tf.Tensor4D, tf.Scalar], { loss: tf.Tensor }>;

/** The optimizer of a configuration, with its state allocated. Batch norm and biases neither decay nor are they adapted. */
export function createOptimizer(model: Module, config: TrainingConfig): Optimizer {
  const { momentum, weightDecay } = config;
  const options = { weightDecay, decay: decayMatrices };
  const optimizer =
    config.optimizer === 'lars'
      ? new LARS({ ...options, momentum })
      : config.optimizer === 'sgd'
        ? new SGD({ ...options, momentum })
        : new Adam(options);
  return optimizer.initialize(model.trainableParameters());
}

/**
 * One update: both views of all images through encoder and head at once, so that batch norm sees them together and cannot
 * tell which is which.
 */
export function createTrainStep(
  model: SimCLR,
  optimizer: Optimizer,
  { batchSize, temperature }: Pick<TrainingConfig, 'batchSize' | 'temperature'>,
): TrainStep {
  const parameters = model.trainableParameters();
  return compile((views, learningRate) => {
    if (views.shape[0] !== 2 * batchSize) {
      const found = views.shape[0] === batchSize ? ', one view of each' : '';
      throw new Error(
        `simclr: ${views.shape[0]} images arrived for a batch of ${batchSize}${found}; give two views of each image, the ` +
          'first views before the second (ImageBatches does, with views: 2).',
      );
    }
    const { value, gradients } = valueAndGradients(() => ntXentLoss(model.forward(views), temperature), parameters);
    optimizer.update(parameters, gradients, learningRate);
    return { loss: value };
  });
}

/** The highest learning rate: B.9 scales it with N, appendix B.1 proposes √N for small batches. */
export function highestRate({ learningRate, rateScaling, batchSize }: TrainingConfig): number {
  if (rateScaling === 'none') return learningRate;
  return learningRate * (rateScaling === 'linear' ? batchSize / 256 : Math.sqrt(batchSize));
}

/** Learning rate by step (0 is the first): linear warm-up, then half a cosine to 0. */
export function learningRateSchedule(config: TrainingConfig): Schedule {
  return cosineSchedule({ rate: highestRate(config), warmupSteps: config.warmupSteps, decaySteps: config.steps });
}

/** The loss of a network that sees no difference between views: ln(2N − 1). */
export function uniformLoss(batchSize: number): number {
  return Math.log(2 * batchSize - 1);
}

/** What a caller may want to know while {@link train} runs; all may be asynchronous. */
export interface TrainingEvents {
  /** After the first update, each that is to be logged, and each with a loss that is not finite. */
  onLoss?(step: number, loss: number, learningRate: number): void | Promise<void>;
  /** Where an evaluation is due. The model is in evaluation mode meanwhile. */
  onEvaluation?(step: number): void | Promise<void>;
  /** After each update: true stops the run after this step. `due` says that a checkpoint is planned here. */
  onStep?(step: number, checkpointDue: boolean): boolean | Promise<boolean>;
}

/** What {@link train} needs. */
export interface TrainingRun {
  model: SimCLR;
  optimizer: Optimizer;
  /** Images to train on; their labels are not looked at. */
  images: ImageDataset;
  augmentation: AugmentationConfig;
  config: TrainingConfig;
  seed: number;
  /** Number of updates that were already made; 0 for a new run. */
  startStep?: number;
  events?: TrainingEvents;
}

/**
 * The training loop. Which views come at which step is a function of the seed and of the step, so that a run which was
 * stopped and continued is bit for bit the run that never stopped.
 *
 * @returns the number of updates made in all
 */
export async function train(run: TrainingRun): Promise<number> {
  const { model, optimizer, config, events = {} } = run;
  const trainStep = createTrainStep(model, optimizer, config);
  const schedule = learningRateSchedule(config);
  const batches = batchesOf(run);
  model.train();
  try {
    for (let step = run.startStep ?? 0; step < config.steps; step++) {
      const batch = await batches.next();
      const views = tf.tensor4d(batch.images, batch.shape); // [2N, H, W, C]
      const rate = tf.scalar(schedule(step));
      const { loss } = await trainStep(views, rate);
      const value = (await loss.data())[0]!;
      tf.dispose([views, rate, loss]);

      const done = step + 1;
      // A loss that is not finite must be seen at once, so it is reported even where no log is due.
      if (done === 1 || done % config.logEvery === 0 || !Number.isFinite(value)) {
        await events.onLoss?.(done, value, schedule(step));
      }
      if (done % config.evaluateEvery === 0 || done === config.steps) {
        model.eval();
        await events.onEvaluation?.(done);
        model.train();
      }
      const checkpointDue = done % config.checkpointEvery === 0 || done === config.steps;
      if (await events.onStep?.(done, checkpointDue)) return done;
    }
    return config.steps;
  } finally {
    await batches.dispose();
    await trainStep.dispose();
  }
}

function batchesOf({ images, augmentation, config, seed, startStep = 0 }: TrainingRun): ImageBatches {
  const batches = new ImageBatches({
    dataset: images,
    batchSize: config.batchSize,
    seed,
    augmentation: viewsOf(augmentation, images),
    views: 2,
    workers: config.workers,
  });
  batches.seek(startStep);
  return batches;
}

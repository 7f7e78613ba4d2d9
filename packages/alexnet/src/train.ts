/**
 * Training: cross-entropy, gradient descent with momentum and weight decay, and the loop, all here to read. Krizhevsky et
 * al. 2012, section 5.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  cosineSchedule,
  crossEntropyLoss,
  Random,
  RandomKey,
  SGD,
  stepSchedule,
  valueAndGradients,
  type Module,
  type Parameter,
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
export type Classifier = Module & {
  readonly classes: number;
  forward(images: tf.Tensor4D, key?: RandomKey): tf.Tensor2D;
};

/** Images [B, H, W, C], labels [B], learning rate, random key [2]. */
export type TrainStep = CompiledStep<[tf.Tensor4D, tf.Tensor1D, tf.Scalar, tf.Tensor1D], { loss: tf.Tensor }>;
/** Images [B, H, W, C], labels [B] → the sum of their losses and the number of right answers. */
export type EvaluateStep = CompiledStep<[tf.Tensor4D, tf.Tensor1D], { loss: tf.Tensor; right: tf.Tensor }>;

/** Three kinds of parameters with their own decay and rate: convolutions' weights, dense weights, and biases. */
export class GroupedDescent {
  readonly #groups: { parameters: Map<string, Parameter>; optimizer: SGD; rate: number; name: string }[];

  /** Allocates the state for all trainable parameters of `model`. */
  constructor(model: Module, config: TrainingConfig) {
    const { momentum, weightDecay, classifierDecay, biasDecay, biasRate } = config;
    const group = (name: string, rank: number, decay: number, rate = 1) => {
      const parameters = new Map([...model.trainableParameters()].filter(([, { shape }]) => shape.length === rank));
      const optimizer = new SGD({ momentum, weightDecay: decay }).initialize(parameters);
      return { name, parameters, optimizer, rate };
    };
    this.#groups = [
      group('convolutions', 4, weightDecay),
      group('dense', 2, classifierDecay),
      group('biases', 1, biasDecay, biasRate),
    ];
  }

  /** v ← μ v + ∂L/∂w + λ w, w ← w − ε v, with the λ and the ε of each group. A pure tensor function. */
  update(gradients: Readonly<Record<string, tf.Tensor>>, learningRate: tf.Scalar): void {
    for (const { parameters, optimizer, rate } of this.#groups) {
      const own = Object.fromEntries([...parameters.keys()].map((name) => [name, gradients[name]!]));
      optimizer.update(parameters, own, rate === 1 ? learningRate : (tf.mul(learningRate, rate) as tf.Scalar));
    }
  }

  /** The live state of every group, under `<group>.<name>`. */
  stateDict(): Record<string, tf.Variable> {
    const entries = this.#groups.flatMap(({ name, optimizer }) =>
      Object.entries(optimizer.stateDict()).map(([key, variable]) => [`${name}.${key}`, variable] as const),
    );
    return Object.fromEntries(entries);
  }

  /** Copies a saved state into this one; the caller keeps the tensors. @throws when something does not fit */
  loadStateDict(state: Readonly<Record<string, tf.Tensor>>): void {
    for (const { name, optimizer } of this.#groups) {
      const own = Object.entries(state).filter(([key]) => key.startsWith(`${name}.`));
      optimizer.loadStateDict(Object.fromEntries(own.map(([key, tensor]) => [key.slice(name.length + 1), tensor])));
    }
  }

  /** Frees the state. */
  dispose(): void {
    for (const { optimizer } of this.#groups) optimizer.dispose();
  }
}

/** One update: forward, loss, gradients, momentum. */
export function createTrainStep(model: Classifier, optimizer: GroupedDescent): TrainStep {
  const parameters = model.trainableParameters();
  return compile((images, labels, learningRate, key) => {
    const { value, gradients } = valueAndGradients(
      () => crossEntropyLoss(model.forward(images, new RandomKey(key)), labels),
      parameters,
    );
    optimizer.update(gradients, learningRate);
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

/**
 * What is done to the images of a training batch. Section 4.1: a random piece of 224 of 256 pixels, mirrored or not, and
 * one draw of Σ α λ p along the principal components of the training colours, α ~ N(0, 0.1²).
 */
export function augmentationOf(
  config: TrainingConfig,
  { mean, deviation }: Preprocessing,
  crop: number,
): AugmentationStep[] {
  return [
    ...(config.augmentation === 'paper' ? ([{ kind: 'randomCrop', size: crop }, { kind: 'colorPca' }] as const) : []),
    ...(config.augmentation === 'none' ? [] : ([{ kind: 'flip' }] as const)),
    { kind: 'normalize', mean, deviation },
  ];
}

/** Mean loss in nats, and the share of right answers in percent. */
export interface Score {
  loss: number;
  accuracy: number;
}

/** Scores a data set, in its order, by the middle of each image. The model is in evaluation mode meanwhile. */
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
  const { crop } = preprocessing;
  const middle = crop === undefined ? [] : [{ kind: 'centerCrop', size: crop } as const];
  const steps = [...preparationSteps(preprocessing, dataset), ...middle];
  for (const batch of evaluationBatches(dataset, batchSize, steps)) {
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
  /**
   * After each update: true stops the run after this step. `due` says that a checkpoint is planned here, `ended` that the
   * training error that the configuration stops at has been reached.
   */
  onStep?(step: number, checkpointDue: boolean, ended: boolean): boolean | Promise<boolean>;
}

/** What the training of one network needs. */
export interface TrainingRun {
  model: Classifier;
  optimizer: GroupedDescent;
  /** Images to train on. */
  images: ImageDataset;
  /** Sets to score during training, by name; `train` decides where a configuration stops at a training error. */
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
  const { model, optimizer, config, seed, preprocessing, startStep = 0, events = {} } = run;
  const trainStep = createTrainStep(model, optimizer);
  const evaluateStep = createEvaluateStep(model);
  const schedule = learningRateSchedule(config);
  const noise = new Random(seed, 'dropout');
  const crop = preprocessing.crop ?? Math.round((preprocessing.size * 7) / 8);
  const augmentation = augmentationOf(config, preprocessing, crop);
  const batches = new ImageBatches({ dataset: run.images, batchSize: config.batchSize, seed, augmentation });
  batches.seek(startStep);
  const score = async (): Promise<Record<string, Score>> => {
    const scores: Record<string, Score> = {};
    for (const [name, dataset] of Object.entries(run.evaluated)) {
      scores[name] = await evaluate(model, evaluateStep, dataset, preprocessing, config.evaluationBatch);
    }
    return scores;
  };

  model.train();
  try {
    for (let step = startStep; step < config.steps; step++) {
      const batch = await batches.next();
      const inputs = [
        tf.tensor4d(batch.images, batch.shape),
        tf.tensor1d(batch.labels, 'int32'),
        tf.scalar(schedule(step)),
        noise.keyAt(step),
      ] as const;
      const { loss } = await trainStep(...inputs);
      const value = (await loss.data())[0]!;
      tf.dispose([...inputs, loss]);

      const done = step + 1;
      // A loss that is not finite must be seen at once, so it is reported even where no log is due.
      if (done % config.logEvery === 0 || !Number.isFinite(value)) await events.onLoss?.(done, value, schedule(step));
      let ended = false;
      if (done % config.evaluateEvery === 0 || done === config.steps) {
        const scores = await score();
        await events.onEvaluation?.(done, scores);
        ended = config.stopAtTrainError > 0 && 100 - (scores['train']?.accuracy ?? 0) <= config.stopAtTrainError;
      }
      const checkpointDue = done % config.checkpointEvery === 0 || done === config.steps || ended;
      if ((await events.onStep?.(done, checkpointDue, ended)) || ended) return done;
    }
    return config.steps;
  } finally {
    await batches.dispose();
    await trainStep.dispose();
    await evaluateStep.dispose();
  }
}

/**
 * Training: the summed −log p of the target words, clipped gradients, gradient descent whose rate is halved, and the loop,
 * all here to read. Sutskever et al. 2014, section 3.4.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  Adam,
  clipByGlobalNorm,
  constantSchedule,
  cosineSchedule,
  crossEntropyLoss,
  Random,
  RandomKey,
  SGD,
  valueAndGradients,
  type Schedule,
} from '@milestones/core';
import { specialTokens, type TranslationBatch, type TranslationBatches } from '@milestones/datasets';
import type { TrainingConfig } from './config.ts';
import type { Translator } from './model.ts';

/** Source [B, S], its lengths [B], target [B, T + 1] from start to end token. */
export type BatchTensors = [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
/** A batch, learning rate, random key [2] → the mean loss of a word. */
export type TrainStep = CompiledStep<[...BatchTensors, tf.Scalar, tf.Tensor1D], { wordLoss: tf.Tensor }>;
/** A batch → the summed loss of its target words, and their number. */
export type EvaluateStep = CompiledStep<BatchTensors, { sum: tf.Tensor; words: tf.Tensor }>;

/** Gradient descent or Adam. */
export type TranslationOptimizer = SGD | Adam;

/**
 * −Σ log p(word | words before it, source) over a batch; padding does not count.
 *
 * @param target int32 [B, T + 1]: start token, words, end token, padding
 */
export function translationLoss(
  model: Translator,
  source: tf.Tensor2D,
  lengths: tf.Tensor1D,
  target: tf.Tensor2D,
  key?: RandomKey,
): tf.Scalar {
  const [B, T] = [target.shape[0], target.shape[1] - 1];
  const previous = tf.slice(target, [0, 0], [B, T]); // [B, T]
  const labels = tf.transpose(tf.slice(target, [0, 1], [B, T])); // [T, B]
  const { logits } = model.decode(model.encode(source, lengths, key), previous, key);
  return crossEntropyLoss(logits, labels, { ignoreIndex: specialTokens.padding, reduction: 'sum' }) as tf.Scalar;
}

/** How many words a batch of targets predicts: all but the start tokens and the padding. */
function wordCount(target: tf.Tensor2D): tf.Scalar {
  const predicted = tf.slice(target, [0, 1], [-1, -1]);
  return tf.sum(tf.cast(tf.notEqual(predicted, tf.scalar(specialTokens.padding, 'int32')), 'float32')) as tf.Scalar;
}

/** The configuration's optimizer, with its state allocated. */
export function createOptimizer(model: Translator, config: TrainingConfig): TranslationOptimizer {
  const optimizer = config.optimizer === 'sgd' ? new SGD() : new Adam();
  return optimizer.initialize(model.trainableParameters());
}

/** One update: forward, loss, gradients, clipping, optimizer. */
export function createTrainStep(model: Translator, optimizer: TranslationOptimizer, config: TrainingConfig): TrainStep {
  const parameters = model.trainableParameters();
  return compile((source, lengths, target, learningRate, key) => {
    const words = wordCount(target);
    const divisor = config.loss === 'sentences' ? tf.sum(tf.cast(tf.greater(lengths, 0), 'float32')) : words;
    const { value, gradients } = valueAndGradients(
      () => tf.div(translationLoss(model, source, lengths, target, new RandomKey(key)), divisor),
      parameters,
    );
    // By the norm of all gradients together, after the division by the batch: the threshold depends on it.
    const clipped = config.clipNorm > 0 ? clipByGlobalNorm(gradients, config.clipNorm).gradients : gradients;
    optimizer.update(parameters, clipped, learningRate);
    return { wordLoss: tf.div(tf.mul(value, divisor), words) };
  });
}

/** Summed loss and number of words of a batch; the model must be in evaluation mode at the first call. */
export function createEvaluateStep(model: Translator): EvaluateStep {
  return compile((source, lengths, target) => ({
    sum: translationLoss(model, source, lengths, target),
    words: wordCount(target),
  }));
}

/** Learning rate by step; step 0 is the first update. */
export function learningRateSchedule(config: TrainingConfig): Schedule {
  const { learningRate: rate, schedule, halvingStart, halvingEvery, steps } = config;
  if (schedule === 'constant') return constantSchedule(rate);
  if (schedule === 'cosine') return cosineSchedule({ rate, decaySteps: steps });
  return (step) => (step < halvingStart ? rate : rate * 0.5 ** (1 + Math.floor((step - halvingStart) / halvingEvery)));
}

/** What a caller may want to know while {@link train} runs; all may be asynchronous. */
export interface TrainingEvents {
  /** After each update that is to be logged: the mean loss of a target word, in nats. */
  onLoss?(step: number, loss: number, learningRate: number): void | Promise<void>;
  /** After an update where an evaluation is due, and before the first. */
  onEvaluation?(step: number): void | Promise<void>;
  /** After each update: true stops the run after this step. `due` says that a checkpoint is planned here. */
  onStep?(step: number, checkpointDue: boolean): boolean | Promise<boolean>;
}

/** What a training run needs. */
export interface TrainingRun {
  model: Translator;
  optimizer: TranslationOptimizer;
  /** Pairs of source tokens (with the end token) and target tokens (with start and end token); at the step to begin with. */
  batches: TranslationBatches;
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
  const { model, optimizer, batches, config, seed, events = {} } = run;
  const trainStep = createTrainStep(model, optimizer, config);
  const schedule = learningRateSchedule(config);
  const noise = new Random(seed, 'dropout');
  const startStep = run.startStep ?? 0;
  try {
    if (startStep === 0) await events.onEvaluation?.(0);
    for (let step = startStep; step < config.steps; step++) {
      model.train();
      const batch = batchTensors(batches.next());
      const learningRate = tf.scalar(schedule(step));
      const key = noise.keyAt(step);
      const { wordLoss } = await trainStep(...batch, learningRate, key);
      const mean = (await wordLoss.data())[0]!;
      tf.dispose([...batch, learningRate, key, wordLoss]);

      const done = step + 1;
      // A loss that is not finite must be seen at once, so it is reported even where no log is due.
      if (done % config.logEvery === 0 || !Number.isFinite(mean)) await events.onLoss?.(done, mean, schedule(step));
      if (done % config.evaluateEvery === 0 || done === config.steps) await events.onEvaluation?.(done);
      const checkpointDue = done % config.checkpointEvery === 0 || done === config.steps;
      if (await events.onStep?.(done, checkpointDue)) return done;
    }
    return config.steps;
  } finally {
    await trainStep.dispose();
  }
}

/** The mean loss of a target word over one epoch of batches, in nats, by teacher forcing. */
export async function evaluate(
  model: Translator,
  evaluateStep: EvaluateStep,
  batches: TranslationBatches,
): Promise<number> {
  const wasTraining = model.training;
  model.eval();
  let total = 0;
  let count = 0;
  for (let index = 0; index < batches.batchesPerEpoch; index++) {
    const tensors = batchTensors(batches.at(index));
    const { sum, words } = await evaluateStep(...tensors);
    total += (await sum.data())[0]!;
    count += (await words.data())[0]!;
    tf.dispose([...tensors, sum, words]);
  }
  if (wasTraining) model.train();
  return total / count;
}

function batchTensors({ source, target, sourceLengths, shapes }: TranslationBatch): BatchTensors {
  return [
    tf.tensor2d(source, shapes.source, 'int32'),
    tf.tensor1d(sourceLengths, 'int32'),
    tf.tensor2d(target, shapes.target, 'int32'),
  ];
}

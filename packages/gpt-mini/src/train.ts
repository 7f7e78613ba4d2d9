/**
 * Training: the loss is the mean of −log p(next token), and the loop is all here to read.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  AdamW,
  clipByGlobalNorm,
  constantSchedule,
  cosineSchedule,
  crossEntropyLoss,
  decayMatrices,
  Random,
  RandomKey,
  valueAndGradients,
  type Schedule,
} from '@milestones/core';
import { RandomWindows } from '@milestones/datasets';
import type { TrainingConfig } from './config.ts';
import type { Gpt } from './model.ts';

/** Arguments of a training step: tokens [B, T], targets [B, T], learning rate, random key [2]. */
export type TrainStep = CompiledStep<[tf.Tensor2D, tf.Tensor2D, tf.Scalar, tf.Tensor1D], { loss: tf.Tensor }>;
/** Arguments of an evaluation step: tokens [B, T], targets [B, T]. Returns the mean loss. */
export type EvaluateStep = CompiledStep<[tf.Tensor2D, tf.Tensor2D], tf.Tensor>;

/** L = −(1 / BT) Σ log p(token t + 1 | tokens up to t).  Radford et al. 2018, equation 1, as a mean. */
export function languageModelLoss(model: Gpt, tokens: tf.Tensor2D, targets: tf.Tensor2D, key?: RandomKey): tf.Scalar {
  const logits = model.forward(tokens, key === undefined ? {} : { key }); // [B, T, V]
  return crossEntropyLoss(logits, targets) as tf.Scalar;
}

/** AdamW as the configuration has it, with its state allocated. */
export function createOptimizer(model: Gpt, config: TrainingConfig): AdamW {
  const { beta1, beta2, weightDecay, decayOnly } = config;
  const optimizer = new AdamW({ beta1, beta2, weightDecay, ...(decayOnly === 'matrices' && { decay: decayMatrices }) });
  return optimizer.initialize(model.trainableParameters());
}

/** One update: forward, loss, gradients, clipping, AdamW. */
export function createTrainStep(model: Gpt, optimizer: AdamW, config: TrainingConfig): TrainStep {
  const parameters = model.trainableParameters();
  return compile((tokens, targets, learningRate, key) => {
    const { value, gradients } = valueAndGradients(
      () => languageModelLoss(model, tokens, targets, new RandomKey(key)),
      parameters,
    );
    const clipped = config.clipNorm > 0 ? clipByGlobalNorm(gradients, config.clipNorm).gradients : gradients;
    optimizer.update(parameters, clipped, learningRate);
    return { loss: value };
  });
}

/** The loss of a batch without training. */
export function createEvaluateStep(model: Gpt): EvaluateStep {
  return compile((tokens, targets) => languageModelLoss(model, tokens, targets));
}

/** Learning rate by step; step 0 is the first update. */
export function learningRateSchedule(config: TrainingConfig): Schedule {
  if (config.schedule === 'constant') return constantSchedule(config.learningRate);
  return cosineSchedule({
    rate: config.learningRate,
    minimum: config.minimumLearningRate,
    warmupSteps: config.warmupSteps,
    decaySteps: config.steps,
  });
}

/** The two parts of a corpus, as tokens. */
export interface TokenSplits {
  train: Int32Array;
  validation: Int32Array;
}

/** What a caller may want to know while {@link train} runs; all may be asynchronous. */
export interface TrainingEvents {
  /** After each update that is to be logged. */
  onLoss?(step: number, loss: number, learningRate: number): void | Promise<void>;
  /** After each evaluation. */
  onEvaluation?(step: number, losses: { trainLoss: number; validationLoss: number }): void | Promise<void>;
  /** After each update: true stops the run after this step. `due` says that a checkpoint is planned here. */
  onStep?(step: number, checkpointDue: boolean): boolean | Promise<boolean>;
}

/** What a training run needs. */
export interface TrainingRun {
  model: Gpt;
  optimizer: AdamW;
  data: TokenSplits;
  config: TrainingConfig;
  seed: number;
  /** Number of updates that were already made; 0 for a new run. */
  startStep?: number;
  events?: TrainingEvents;
}

/**
 * Mean loss over random windows of each split. The windows depend on the seed and on `step` alone.
 */
export async function evaluate(
  run: TrainingRun,
  evaluateStep: EvaluateStep,
  step: number,
): Promise<{ trainLoss: number; validationLoss: number }> {
  const { model, config } = run;
  const meanOver = async (split: keyof TokenSplits): Promise<number> => {
    const windows = windowsOf(run, split, `evaluate ${split} ${step}`);
    let sum = 0;
    for (let index = 0; index < config.evaluationBatches; index++) {
      const [tokens, targets] = batchTensors(windows, index);
      const loss = await evaluateStep(tokens, targets);
      sum += (await loss.data())[0]!;
      tf.dispose([tokens, targets, loss]);
    }
    return sum / config.evaluationBatches;
  };
  const wasTraining = model.training;
  model.eval();
  const losses = { trainLoss: await meanOver('train'), validationLoss: await meanOver('validation') };
  if (wasTraining) model.train();
  return losses;
}

/**
 * The training loop. Everything random in it is a function of the seed and of the step, so that a run which was stopped
 * and continued is bit for bit the run that never stopped.
 *
 * @returns the number of updates made in all
 */
export async function train(run: TrainingRun): Promise<number> {
  const { model, optimizer, config, seed, events = {} } = run;
  const trainStep = createTrainStep(model, optimizer, config);
  const evaluateStep = createEvaluateStep(model);
  const schedule = learningRateSchedule(config);
  const windows = windowsOf(run, 'train', 'train');
  const noise = new Random(seed, 'dropout');
  const startStep = run.startStep ?? 0;

  model.train();
  if (startStep === 0) await events.onEvaluation?.(0, await evaluate(run, evaluateStep, 0));
  for (let step = startStep; step < config.steps; step++) {
    const [tokens, targets] = batchTensors(windows, step);
    const learningRate = tf.scalar(schedule(step));
    const key = noise.keyAt(step);
    const { loss } = await trainStep(tokens, targets, learningRate, key);
    const value = (await loss.data())[0]!;
    tf.dispose([tokens, targets, learningRate, key, loss]);

    const done = step + 1;
    // A loss that is not finite must be seen at once, so it is reported even where no log is due.
    if (done % config.logEvery === 0 || !Number.isFinite(value)) await events.onLoss?.(done, value, schedule(step));
    if (done % config.evaluateEvery === 0 || config.evaluateAlsoAt.includes(done) || done === config.steps) {
      await events.onEvaluation?.(done, await evaluate(run, evaluateStep, done));
    }
    const checkpointDue = done % config.checkpointEvery === 0 || done === config.steps;
    if (await events.onStep?.(done, checkpointDue)) return done;
  }
  return config.steps;
}

function windowsOf(run: TrainingRun, split: keyof TokenSplits, stream: string): RandomWindows {
  const { data, config, model, seed } = run;
  return new RandomWindows({
    tokens: data[split],
    batchSize: config.batchSize,
    context: config.windowLength === 0 ? model.config.contextLength : config.windowLength,
    seed,
    stream,
  });
}

function batchTensors(windows: RandomWindows, index: number): [tf.Tensor2D, tf.Tensor2D] {
  const { inputs, targets, batchSize, context } = windows.at(index);
  const shape: [number, number] = [batchSize, context];
  return [tf.tensor2d(inputs, shape, 'int32'), tf.tensor2d(targets, shape, 'int32')];
}

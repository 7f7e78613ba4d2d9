/**
 * Training: label-smoothed cross-entropy of the next token, Adam, the paper's learning rate, and the loop, all here to
 * read. Vaswani et al. 2017, section 5.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  Adam,
  clipByGlobalNorm,
  constantSchedule,
  crossEntropyLoss,
  inverseSquareRootSchedule,
  Random,
  RandomKey,
  valueAndGradients,
  type Schedule,
} from '@milestones/core';
import { specialTokens, TranslationBatches, type TokenPairs, type TranslationBatch } from '@milestones/datasets';
import { batchMeanPerplexity, type ScoredSentence } from './batch-mean-perplexity.ts';
import type { TrainingConfig } from './config.ts';
import type { Transformer } from './model.ts';

/** Source [B, S], its lengths [B], target [B, T + 1] from start to end token, learning rate, random key [2]. */
export type TrainStep = CompiledStep<
  [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D, tf.Scalar, tf.Tensor1D],
  { loss: tf.Tensor }
>;
/** Source, lengths, target → sums over the target tokens of each sentence, [B]: −ln p, right guesses, number of tokens. */
export type EvaluateStep = CompiledStep<
  [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D],
  { loss: tf.Tensor; right: tf.Tensor; tokens: tf.Tensor }
>;

/** What the decoder reads, and what it should say there: the target without its last and without its first token. */
function shift(target: tf.Tensor2D): { inputs: tf.Tensor2D; labels: tf.Tensor2D } {
  const [B, length] = target.shape;
  return {
    inputs: tf.slice(target, [0, 0], [B, length - 1]), // [B, T]
    labels: tf.slice(target, [0, 1], [B, length - 1]), // [B, T]
  };
}

/**
 * L = mean over all target tokens of −Σₖ qₖ ln p(k), with q = 1 − s + s/V at the right token and s/V elsewhere. Section
 * 5.4 and Szegedy et al. 2015, section 7. Padding does not count.
 */
export function translationLoss(
  model: Transformer,
  source: tf.Tensor2D,
  sourceLengths: tf.Tensor1D,
  target: tf.Tensor2D,
  options: { labelSmoothing?: number; key?: RandomKey } = {},
): tf.Scalar {
  const { inputs, labels } = shift(target);
  const logits = model.forward(source, sourceLengths, inputs, options.key); // [B, T, V]
  const { labelSmoothing = 0 } = options;
  return crossEntropyLoss(logits, labels, { labelSmoothing, ignoreIndex: specialTokens.padding }) as tf.Scalar;
}

/** Adam as the configuration has it, with its state allocated. */
export function createOptimizer(model: Transformer, { beta1, beta2, epsilon }: TrainingConfig): Adam {
  return new Adam({ beta1, beta2, epsilon }).initialize(model.trainableParameters());
}

/** One update: forward, loss, gradients, clipping, Adam. */
export function createTrainStep(model: Transformer, optimizer: Adam, config: TrainingConfig): TrainStep {
  const parameters = model.trainableParameters();
  const { labelSmoothing, clipNorm } = config;
  return compile((source, sourceLengths, target, learningRate, key) => {
    const { value, gradients } = valueAndGradients(
      () => translationLoss(model, source, sourceLengths, target, { labelSmoothing, key: new RandomKey(key) }),
      parameters,
    );
    const clipped = clipNorm > 0 ? clipByGlobalNorm(gradients, clipNorm).gradients : gradients;
    optimizer.update(parameters, clipped, learningRate);
    return { loss: value };
  });
}

/** Losses and right guesses of a batch; the model must be in evaluation mode at the first call. */
export function createEvaluateStep(model: Transformer): EvaluateStep {
  return compile((source, sourceLengths, target) => {
    const { inputs, labels } = shift(target);
    const logits = model.forward(source, sourceLengths, inputs); // [B, T, V]
    const counted = tf.cast(tf.notEqual(labels, tf.scalar(specialTokens.padding, 'int32')), 'float32'); // [B, T]
    const guesses = tf.cast(tf.argMax(logits, 2), 'int32'); // [B, T]
    const losses = crossEntropyLoss(logits, labels, { ignoreIndex: specialTokens.padding, reduction: 'none' }); // [B, T]
    const right = tf.mul(tf.cast(tf.equal(guesses, labels), 'float32'), counted); // [B, T]
    return { loss: tf.sum(losses, 1), right: tf.sum(right, 1), tokens: tf.sum(counted, 1) };
  });
}

/** Learning rate by step; step 0 is the first update. Equation 3, or constant. */
export function learningRateSchedule(config: TrainingConfig, features: number): Schedule {
  const { schedule, learningRate, warmupSteps } = config;
  if (schedule === 'constant') return constantSchedule(learningRate);
  return inverseSquareRootSchedule({ features, warmupSteps, factor: learningRate });
}

/** How well a model predicts the next token, given the right ones before it (teacher forcing). */
export interface Score {
  /** Mean −ln p per target token, end tokens included, without label smoothing. */
  loss: number;
  /** e^loss */
  perplexity: number;
  /** See {@link batchMeanPerplexity}: to be compared with figures that were printed that way. */
  batchMeanPerplexity: number;
  /** Tokens guessed right, in percent. */
  accuracy: number;
}

/** Scores all pairs. The model is in evaluation mode meanwhile. */
export async function evaluate(model: Transformer, step: EvaluateStep, batches: TranslationBatches): Promise<Score> {
  const wasTraining = model.training;
  model.eval();
  const scored: ScoredSentence[] = [];
  let right = 0;
  for (let index = 0; index < batches.batchesPerEpoch; index++) {
    const batch = batches.at(index);
    const inputs = batchTensors(batch);
    const result = await step(...inputs);
    const [losses, hits, tokens] = await Promise.all([result.loss.data(), result.right.data(), result.tokens.data()]);
    tf.dispose([inputs, result]);
    for (let row = 0; row < batch.sentences; row++) {
      right += hits[row]!;
      scored.push({
        loss: losses[row]!,
        tokens: tokens[row]!,
        sourceLength: batch.sourceLengths[row]! - 1, // without its end token
        targetLength: batch.targetLengths[row]! - 2, // without start and end token
      });
    }
  }
  if (wasTraining) model.train();
  const [sum, count] = scored.reduce(([l, n], { loss, tokens }) => [l + loss, n + tokens], [0, 0]) as [number, number];
  const loss = sum / count;
  return {
    loss,
    perplexity: Math.exp(loss),
    batchMeanPerplexity: batchMeanPerplexity(scored),
    accuracy: (100 * right) / count,
  };
}

/** What a caller may want to know while {@link train} runs; all may be asynchronous. */
export interface TrainingEvents {
  /** After each update that is to be logged. */
  onLoss?(step: number, loss: number, learningRate: number): void | Promise<void>;
  /** After each evaluation on the validation pairs. */
  onEvaluation?(step: number, score: Score): void | Promise<void>;
  /** After each update: true stops the run after this step. `due` says that a checkpoint is planned here. */
  onStep?(step: number, checkpointDue: boolean): boolean | Promise<boolean>;
}

/** What a training run needs. */
export interface TrainingRun {
  model: Transformer;
  optimizer: Adam;
  /** Sources with their end token, targets with start and end token. */
  data: { train: TokenPairs; validation: TokenPairs };
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
  const trainStep = createTrainStep(model, optimizer, config);
  const evaluateStep = createEvaluateStep(model);
  const schedule = learningRateSchedule(config, model.config.features);
  const batches = trainingBatches(run);
  const held = validationBatches(run.data.validation, model);
  const noise = new Random(seed, 'dropout');
  const evaluateEvery = config.evaluateEvery === 0 ? batches.batchesPerEpoch : config.evaluateEvery;

  model.train();
  try {
    for (let step = run.startStep ?? 0; step < config.steps; step++) {
      const inputs = [...batchTensors(batches.at(step)), tf.scalar(schedule(step)), noise.keyAt(step)] as const;
      const { loss } = await trainStep(...inputs);
      const value = (await loss.data())[0]!;
      tf.dispose([...inputs, loss]);

      const done = step + 1;
      // A loss that is not finite must be seen at once, so it is reported even where no log is due.
      if (done % config.logEvery === 0 || !Number.isFinite(value)) await events.onLoss?.(done, value, schedule(step));
      if (done % evaluateEvery === 0 || done === config.steps) {
        await events.onEvaluation?.(done, await evaluate(model, evaluateStep, held));
      }
      const checkpointDue = done % config.checkpointEvery === 0 || done === config.steps;
      if (await events.onStep?.(done, checkpointDue)) return done;
    }
    return config.steps;
  } finally {
    await trainStep.dispose();
    await evaluateStep.dispose();
  }
}

/** Which pairs come at which step depends on the seed and the step alone. Pairs too long for the model are left out. */
export function trainingBatches({
  data,
  config,
  seed,
  model,
}: Pick<TrainingRun, 'data' | 'config' | 'seed' | 'model'>) {
  const { batchSize, tokensPerBatch, buckets } = config;
  return new TranslationBatches({
    pairs: data.train,
    ...(batchSize > 0 ? { batchSize } : { tokensPerBatch }),
    buckets,
    seed,
    maximumLength: model.config.maximumLength,
    longer: 'skip',
  });
}

/** All pairs in a fixed order, few lengths. @throws when one is too long for the model */
export function validationBatches(pairs: TokenPairs, model: Transformer): TranslationBatches {
  const batchSize = Math.min(128, pairs.source.length);
  return new TranslationBatches({
    pairs,
    batchSize,
    buckets: 3,
    seed: 0,
    shuffle: false,
    maximumLength: model.config.maximumLength,
  });
}

/** A batch as tensors: source, lengths, target. */
export function batchTensors(batch: TranslationBatch): [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D] {
  const { source, sourceLengths, target, shapes } = batch;
  return [
    tf.tensor2d(source, shapes.source, 'int32'),
    tf.tensor1d(sourceLengths, 'int32'),
    tf.tensor2d(target, shapes.target, 'int32'),
  ];
}

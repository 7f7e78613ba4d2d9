/** Pre-training: guess the hidden words (and whether two parts belong together). Devlin et al. 2018, section 3.1. */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import {
  AdamW,
  clipByGlobalNorm,
  crossEntropyLoss,
  decayMatrices,
  linearSchedule,
  Random,
  RandomKey,
  valueAndGradients,
  type Module,
  type Schedule,
} from '@milestones/core';
import type { PretrainingConfig } from './config.ts';
import type { BertForPretraining } from './model.ts';
import type { PretrainingBatch, PretrainingBatches } from './pretraining-data.ts';

/** What both kinds of training have in their configuration. */
export interface OptimizerConfig {
  learningRate: number;
  warmup: number;
  weightDecay: number;
  clipNorm: number;
  biasCorrection: boolean;
}

/**
 * The released optimizer: Adam without bias correction, ε = 1e-6, decoupled decay of matrices alone, with its state allocated.
 */
export function createOptimizer(model: Module, { weightDecay, biasCorrection }: OptimizerConfig): AdamW {
  const optimizer = new AdamW({ epsilon: 1e-6, biasCorrection, weightDecay, decay: decayMatrices });
  return optimizer.initialize(model.trainableParameters());
}

/** Linear warm-up, then linear decay to 0. Appendix A.2. */
export function learningRateSchedule({ learningRate, warmup }: OptimizerConfig, steps: number): Schedule {
  const decaySteps = Math.max(1, steps);
  return linearSchedule({ rate: learningRate, warmupSteps: Math.floor(warmup * decaySteps), decaySteps });
}

/** One update of `model` by the gradients of `loss`: clipping, then the optimizer. Pure tensor operations. */
export function updateBy(
  model: Module,
  optimizer: AdamW,
  config: OptimizerConfig,
  learningRate: tf.Scalar,
  loss: () => tf.Scalar,
): tf.Scalar {
  const parameters = model.trainableParameters();
  const { value, gradients } = valueAndGradients(loss, parameters);
  const clipped = config.clipNorm > 0 ? clipByGlobalNorm(gradients, config.clipNorm).gradients : gradients;
  optimizer.update(parameters, clipped, learningRate);
  return value;
}

/** tokens [B, T], segments [B, T], places [M], labels [M], elsewhere [B]. */
export type BatchTensors = [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];

/** L = −mean ln p(hidden word), and −mean ln p(follows or not) where the model learns that too. */
export function pretrainingLoss(
  model: BertForPretraining,
  [tokens, segments, places, labels, elsewhere]: BatchTensors,
  options: { nextSentence: boolean; key?: RandomKey },
): { loss: tf.Scalar; wordLoss: tf.Scalar } {
  const encoded = model.bert.forward({ tokens, segments }, options.key); // [B, T, C]
  const wordLoss = crossEntropyLoss(model.wordLogits(encoded, places), labels) as tf.Scalar;
  if (!options.nextSentence) return { loss: wordLoss, wordLoss };
  const sentenceLoss = crossEntropyLoss(model.sentenceLogits(encoded), elsewhere);
  return { loss: tf.add(wordLoss, sentenceLoss), wordLoss };
}

/**
 * One update by one batch, as a function to {@link compile}: the batch, the learning rate, and the key of the dropout's noise
 * (int32 [2]).
 */
export function pretrainingStep(
  model: BertForPretraining,
  optimizer: AdamW,
  config: OptimizerConfig & Pick<PretrainingConfig, 'nextSentence'>,
): (...tensors: [...BatchTensors, tf.Scalar, tf.Tensor1D]) => { loss: tf.Scalar } {
  return (tokens, segments, places, labels, elsewhere, learningRate, key) => {
    const batch: BatchTensors = [tokens, segments, places, labels, elsewhere];
    const options = { nextSentence: config.nextSentence, key: new RandomKey(key) };
    return {
      loss: updateBy(model, optimizer, config, learningRate, () => pretrainingLoss(model, batch, options).loss),
    };
  };
}

/** What a caller may want to know while {@link pretrain} runs. */
export interface PretrainingEvents {
  /** After each update; true stops after this one. */
  onStep?(step: number, loss: number, learningRate: number): boolean | Promise<boolean>;
}

/** What pre-training needs. */
export interface PretrainingRun {
  model: BertForPretraining;
  optimizer: AdamW;
  batches: PretrainingBatches;
  config: PretrainingConfig;
  seed: number;
  /** Number of updates that were already made; 0 for a new run. */
  startStep?: number;
  events?: PretrainingEvents;
}

/** The loop. Everything random is a function of the seed and of the step. @returns the number of updates made in all */
export async function pretrain(run: PretrainingRun): Promise<number> {
  const { model, optimizer, batches, config, seed, events = {} } = run;
  const step = compile(pretrainingStep(model, optimizer, config));
  const schedule = learningRateSchedule(config, config.steps);
  const noise = new Random(seed, 'pretraining dropout');
  model.train();
  let done = run.startStep ?? 0;
  while (done < config.steps) {
    const batch = tensorsOf(batches.at(done), config);
    const learningRate = tf.scalar(schedule(done));
    const key = noise.keyAt(done);
    const { loss } = await step(...batch, learningRate, key);
    const value = (await loss.data())[0]!;
    tf.dispose([...batch, learningRate, key, loss]);
    done++;
    if ((await events.onStep?.(done, value, schedule(done - 1))) === true) break;
  }
  await step.dispose();
  model.eval();
  return done;
}

/** Mean −ln p(hidden word) over the first `count` batches of a text that was held out. */
export async function maskedLoss(
  model: BertForPretraining,
  batches: PretrainingBatches,
  config: PretrainingConfig,
  count: number,
): Promise<number> {
  model.eval();
  const step: CompiledStep<BatchTensors, tf.Tensor> = compile(
    (...batch) => pretrainingLoss(model, batch, { nextSentence: false }).wordLoss,
  );
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const batch = tensorsOf(batches.at(index), config);
    const loss = await step(...batch);
    sum += (await loss.data())[0]!;
    tf.dispose([...batch, loss]);
  }
  await step.dispose();
  return sum / count;
}

function tensorsOf(batch: PretrainingBatch, { batchSize: B, length: T }: PretrainingConfig): BatchTensors {
  return [
    tf.tensor2d(batch.tokens, [B, T], 'int32'),
    tf.tensor2d(batch.segments, [B, T], 'int32'),
    tf.tensor1d(batch.places, 'int32'),
    tf.tensor1d(batch.labels, 'int32'),
    tf.tensor1d(batch.elsewhere, 'int32'),
  ];
}

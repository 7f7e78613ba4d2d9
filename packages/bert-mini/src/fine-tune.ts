/** Fine-tuning: the whole net and a new classifier, on labelled texts. Devlin et al. 2018, section 4. */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import { crossEntropyLoss, Random, RandomKey, type Module } from '@milestones/core';
import type { FramedText, LabelledText, WordPieceTokenizer } from '@milestones/datasets';
import type { FineTuningConfig } from './config.ts';
import type { BertInput } from './model.ts';
import { createOptimizer, learningRateSchedule, updateBy } from './train.ts';

/** A net that sorts texts into classes: {@link BertClassifier} or {@link LstmClassifier}. */
export interface Classifier extends Module {
  /** → logits, [B, K] */
  forward(input: BertInput, key?: RandomKey): tf.Tensor2D;
}

/** A text as the net reads it, with its class. */
export interface Example extends FramedText {
  label: number;
}

/** Texts as examples, cut to `length` tokens. @throws when a text has no label, or one that is no class */
export function examplesOf(text: LabelledText, tokenizer: WordPieceTokenizer, length: number): Example[] {
  const { labels } = text;
  if (labels === undefined) throw new Error(`fine-tuning: ${text.name} has no labels; name their column.`);
  const outside = labels.findIndex((label) => !(label >= 0 && label < text.classNames.length));
  if (outside >= 0) {
    throw new Error(
      `fine-tuning: text ${outside + 1} of ${text.name} has the label ${labels[outside]}; ${text.classNames.length} classes have the ` +
        `labels 0 to ${text.classNames.length - 1}. Correct the label, or name all classes.`,
    );
  }
  return text.first.map((first, index) => ({
    ...tokenizer.frame(first, text.second?.[index], { maximumLength: length }),
    label: labels[index]!,
  }));
}

interface Batch {
  examples: Example[];
  length: number;
}

/**
 * All examples once, in batches of like length: each is padded to one of three lengths, so that a compiled step is traced at
 * most three times. The order depends on the random stream alone.
 */
export function batchesByLength(
  examples: readonly Example[],
  batchSize: number,
  length: number,
  random: Random,
): Batch[] {
  const lengths = [...new Set([Math.ceil(length / 4), Math.ceil(length / 2), length])];
  const waiting = lengths.map((): Example[] => []);
  const batches: Batch[] = [];
  for (const index of random.permutation(examples.length)) {
    const example = examples[index]!;
    const bucket = lengths.findIndex((most) => example.ids.length <= most);
    const rows = waiting[bucket]!;
    rows.push(example);
    if (rows.length === batchSize) batches.push({ examples: rows.splice(0), length: lengths[bucket]! });
  }
  waiting.forEach((rows, bucket) => {
    if (rows.length > 0) batches.push({ examples: rows, length: lengths[bucket]! });
  });
  return Array.from(random.permutation(batches.length), (index) => batches[index]!);
}

/** tokens [B, T], segments [B, T], lengths [B], labels [B], weights [B]: 0 for rows that only fill a batch. */
type BatchTensors = [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];

/** Called after each update of {@link fineTune}; true stops the training. */
export type FineTuningEvent = (step: number, steps: number, loss: number) => boolean | void;

/**
 * Trains all weights of `model` on the examples.
 *
 * @returns false where `onStep` stopped it
 */
export async function fineTune(
  model: Classifier,
  examples: readonly Example[],
  config: FineTuningConfig,
  seed: number,
  onStep: FineTuningEvent = () => undefined,
): Promise<boolean> {
  const { batchSize, length, epochs, minimumSteps } = config;
  const optimizer = createOptimizer(model, config);
  const step: CompiledStep<[...BatchTensors, tf.Scalar, tf.Tensor1D], { loss: tf.Tensor }> = compile(
    (tokens, segments, lengths, labels, weights, learningRate, key) => ({
      loss: updateBy(model, optimizer, config, learningRate, () => {
        const logits = model.forward({ tokens, segments, lengths }, new RandomKey(key)); // [B, K]
        const losses = crossEntropyLoss(logits, labels, { reduction: 'none' }); // [B]
        return tf.div(tf.sum(tf.mul(losses, weights)), tf.sum(weights)) as tf.Scalar;
      }),
    }),
  );
  const random = new Random(seed, 'fine-tuning');
  const perEpoch = batchesByLength(examples, batchSize, length, random.fork('0')).length;
  const rounds = Math.max(epochs, Math.ceil(minimumSteps / perEpoch));
  const steps = rounds * perEpoch;
  const schedule = learningRateSchedule(config, steps);
  let done = 0;
  model.train();
  try {
    for (let epoch = 0; epoch < rounds; epoch++) {
      for (const batch of batchesByLength(examples, batchSize, length, random.fork(String(epoch)))) {
        const tensors = tensorsOf(batch, batchSize);
        const learningRate = tf.scalar(schedule(done));
        const key = random.keyAt(done);
        const { loss } = await step(...tensors, learningRate, key);
        const value = (await loss.data())[0]!;
        tf.dispose([...tensors, learningRate, key, loss]);
        done++;
        if (!Number.isFinite(value)) {
          throw new Error(`fine-tuning: the loss of step ${done} is ${value}; choose a lower learning rate.`);
        }
        if (onStep(done, steps, value) === true) return false;
      }
    }
  } finally {
    await step.dispose();
    optimizer.dispose();
    model.eval();
  }
  return true;
}

/** Share of the examples whose likeliest class is the right one, from 0 to 1. */
export async function accuracy(
  model: Classifier,
  examples: readonly Example[],
  config: FineTuningConfig,
): Promise<number> {
  const { batchSize, length } = config;
  model.eval();
  const step: CompiledStep<BatchTensors, tf.Tensor> = compile((tokens, segments, lengths, labels, weights) => {
    const guesses = tf.cast(tf.argMax(model.forward({ tokens, segments, lengths }), 1), 'int32'); // [B]
    return tf.sum(tf.mul(tf.cast(tf.equal(guesses, labels), 'float32'), weights));
  });
  let right = 0;
  for (const batch of batchesByLength(examples, batchSize, length, new Random(0, 'accuracy'))) {
    const tensors = tensorsOf(batch, batchSize);
    const found = await step(...tensors);
    right += (await found.data())[0]!;
    tf.dispose([...tensors, found]);
  }
  await step.dispose();
  return right / examples.length;
}

function tensorsOf({ examples, length: T }: Batch, B: number): BatchTensors {
  const tokens = new Int32Array(B * T);
  const segments = new Int32Array(B * T);
  const lengths = new Int32Array(B).fill(1);
  const labels = new Int32Array(B);
  const weights = new Float32Array(B);
  examples.forEach((example, row) => {
    tokens.set(example.ids, row * T);
    segments.set(example.segments, row * T);
    lengths[row] = example.ids.length;
    labels[row] = example.label;
    weights[row] = 1;
  });
  return [
    tf.tensor2d(tokens, [B, T], 'int32'),
    tf.tensor2d(segments, [B, T], 'int32'),
    tf.tensor1d(lengths, 'int32'),
    tf.tensor1d(labels, 'int32'),
    tf.tensor1d(weights),
  ];
}

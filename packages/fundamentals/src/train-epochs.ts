/** Epochs of mini-batches through one compiled step: what the experiments that compare optimizers and losses share. */
import { compile, tf } from '@milestones/backend';
import { type Module, type Optimizer, RandomKey, valueAndGradients } from '@milestones/core';
import { ShuffledBatches } from '@milestones/datasets';
import type { ExperimentContext } from './experiment.ts';
import type { Rows } from './image-rows.ts';

/** What {@link trainEpochs} needs. */
export interface Training {
  /** Initialized; its trainable parameters change. */
  model: Module;
  /** The cost of a mini-batch: images [B, P], labels [B], and a key for noise that changes from step to step. */
  loss: (images: tf.Tensor2D, labels: tf.Tensor1D, key: RandomKey) => tf.Tensor;
  optimizer: Optimizer;
  /** αₜ of update t = 1, 2, 3 … */
  rate: (t: number) => number;
  rows: Rows;
  batchSize: number;
  epochs: number;
  /** Of the order of the images and of the noise: the same for all that are compared. */
  seed: number;
  context: Pick<ExperimentContext, 'advance' | 'random'>;
  /**
   * Something else to measure at the end of each epoch, in place of the mean cost of its mini-batches. Smaller must be better:
   * a training that diverged has {@link divergedCost} for the rest of its epochs.
   */
  evaluate?: () => Promise<number>;
}

/** The cost that stands for one that is not finite: JSON, in which finished parts are kept, has no infinity. */
export const divergedCost = 1e6;

/** Updates in an epoch: whole batches only. */
export function updatesPerEpoch(count: number, batchSize: number): number {
  return Math.floor(count / batchSize);
}

/**
 * Trains, and returns one number per epoch: the mean cost of its mini-batches as they were met, or what `evaluate` says.
 * A cost that is not finite ends the training: the rest of the list is {@link divergedCost}.
 */
export async function trainEpochs(training: Training): Promise<number[]> {
  const { model, loss, optimizer, rate, rows, batchSize, epochs, seed, context } = training;
  const parameters = model.trainableParameters();
  optimizer.initialize(parameters);
  const step = compile((images: tf.Tensor2D, labels: tf.Tensor1D, alpha: tf.Scalar, key: tf.Tensor1D) => {
    const cost = (): tf.Tensor => loss(images, labels, new RandomKey(key));
    const { value, gradients } = valueAndGradients(cost, parameters);
    optimizer.update(parameters, gradients, alpha);
    return value;
  });
  const perEpoch = updatesPerEpoch(rows.count, batchSize);
  const batches = new ShuffledBatches({ examples: rows.count, batchSize, seed, dropLast: true, stream: 'order' });
  const noise = context.random(`noise ${seed}`);
  const costs: number[] = [];
  let diverged = false;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      let sum = 0;
      for (let update = epoch * perEpoch; update < (epoch + 1) * perEpoch; update++) {
        context.advance({ epoch: epoch + 1, ...(epoch > 0 && { cost: costs[epoch - 1]! }) });
        if (diverged) continue;
        const { images, labels } = rows.batch(batches.next());
        const alpha = tf.scalar(rate(update + 1));
        const key = noise.keyAt(update);
        const value = await step(images, labels, alpha, key);
        sum += (await value.data())[0]!;
        diverged = !Number.isFinite(sum);
        tf.dispose([images, labels, alpha, key, value]);
      }
      const cost: number = diverged || training.evaluate === undefined ? sum / perEpoch : await training.evaluate();
      diverged ||= !Number.isFinite(cost);
      costs.push(diverged ? divergedCost : Math.min(cost, divergedCost));
    }
  } finally {
    await step.dispose();
    optimizer.dispose();
  }
  return costs;
}

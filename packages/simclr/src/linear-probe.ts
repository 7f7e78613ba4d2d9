/**
 * The linear probe: how well one linear layer on top of frozen representations tells the classes apart. Chen et al. 2020,
 * section 4, "linear evaluation".
 */
import { compile, tf } from '@milestones/backend';
import { Adam, cosineSchedule, crossEntropyLoss, Dense, valueAndGradients, zeros } from '@milestones/core';
import { ShuffledBatches } from '@milestones/datasets';
import type { Representations } from './represent.ts';

/** Options of {@link linearProbeAccuracy}. */
export interface ProbeOptions {
  epochs: number;
  batchSize: number;
  /** Adam's highest rate; it falls to 0 along half a cosine. */
  learningRate: number;
  classes: number;
  seed: number;
}

/**
 * Trains logistic regression on `train` and returns how many of `test` it classifies rightly, in percent. Features are
 * standardised by the mean and deviation that they have in `train`, so that one learning rate suits them all. The
 * representations are given: nothing flows back into a network.
 */
export async function linearProbeAccuracy(
  train: Representations,
  test: Representations,
  { epochs, batchSize, learningRate, classes, seed }: ProbeOptions,
): Promise<number> {
  if (train.features !== test.features) {
    throw new Error(
      `linearProbeAccuracy: ${train.features} features to train on and ${test.features} to test on arrived; take both from ` +
        'the same network.',
    );
  }
  const { features } = train;
  const scale = standardization(train);
  const rows = Math.min(batchSize, train.count);
  const order = new ShuffledBatches({ examples: train.count, batchSize: rows, seed, dropLast: true, stream: 'probe' });
  const steps = epochs * order.batchesPerEpoch;
  const schedule = cosineSchedule({ rate: learningRate, decaySteps: steps });
  const layer = new Dense(features, classes, { weightInitializer: zeros(), biasInitializer: zeros() }).initialize(seed);
  const parameters = layer.trainableParameters();
  const optimizer = new Adam().initialize(parameters);
  const step = compile((x: tf.Tensor2D, labels: tf.Tensor1D, rate: tf.Scalar) => {
    const { value, gradients } = valueAndGradients(() => crossEntropyLoss(layer.forward(x), labels), parameters);
    optimizer.update(parameters, gradients, rate);
    return value;
  });
  try {
    for (let index = 0; index < steps; index++) {
      const chosen = order.at(index);
      const x = tf.tensor2d(standardized(train, chosen, scale), [rows, features]);
      const labels = tf.tensor1d(
        Int32Array.from(chosen, (row) => train.labels[row]!),
        'int32',
      );
      const rate = tf.scalar(schedule(index));
      const loss = await step(x, labels, rate);
      tf.dispose([x, labels, rate, loss]);
    }
    return await accuracyOf(layer, test, scale);
  } finally {
    await step.dispose();
    optimizer.dispose();
    layer.dispose();
  }
}

interface Scale {
  mean: Float64Array;
  /** 1 / deviation; 0 where a feature is always the same. */
  inverse: Float64Array;
}

function standardization({ values, features, count }: Representations): Scale {
  const mean = new Float64Array(features);
  const square = new Float64Array(features);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < features; column++) mean[column]! += values[row * features + column]! / count;
  }
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < features; column++) {
      square[column]! += (values[row * features + column]! - mean[column]!) ** 2 / count;
    }
  }
  return { mean, inverse: square.map((variance) => (variance < 1e-12 ? 0 : 1 / Math.sqrt(variance))) };
}

function standardized(
  { values, features }: Representations,
  rows: ArrayLike<number>,
  { mean, inverse }: Scale,
): Float32Array {
  const out = new Float32Array(rows.length * features);
  for (let row = 0; row < rows.length; row++) {
    const from = rows[row]! * features;
    const to = row * features;
    for (let column = 0; column < features; column++) {
      out[to + column] = (values[from + column]! - mean[column]!) * inverse[column]!;
    }
  }
  return out;
}

async function accuracyOf(layer: Dense, test: Representations, scale: Scale): Promise<number> {
  const all = Int32Array.from({ length: test.count }, (_, row) => row);
  let right = 0;
  for (let start = 0; start < test.count; start += 1000) {
    const rows = all.subarray(start, start + 1000);
    const best = tf.tidy(() =>
      tf.argMax(layer.forward(tf.tensor2d(standardized(test, rows, scale), [rows.length, test.features])), 1),
    );
    const found = await best.data();
    best.dispose();
    for (const [index, row] of rows.entries()) if (found[index] === test.labels[row]) right++;
  }
  return (100 * right) / test.count;
}

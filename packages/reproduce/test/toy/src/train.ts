/** The toy's idea: gradient descent on y = a·x + b. The loop is a generator, so that it knows nothing of runs. */
import { tf } from '@milestones/backend';
import { type Dense, meanSquaredErrorLoss, Random, type RandomState, SGD, valueAndGradients } from '@milestones/core';
import type { Config } from './config.ts';

export interface Points {
  x: tf.Tensor2D;
  y: tf.Tensor2D;
}

/** y = 2x − 1 + noise of standard deviation 0.1. */
export function generatePoints(count: number, seed: number): Points {
  const random = new Random(seed, 'points');
  const x = Array.from({ length: count }, () => 2 * random.uniform() - 1);
  const y = x.map((value) => 2 * value - 1 + 0.1 * random.normal());
  return { x: tf.tensor2d(x, [count, 1]), y: tf.tensor2d(y, [count, 1]) };
}

export function createOptimizer({ optimizer }: Config): SGD {
  return new SGD({ momentum: optimizer.name === 'momentum' ? 0.5 : 0 });
}

/** One epoch after another; yields the number of steps done and the loss of the batch. */
export async function* train(
  model: Dense,
  optimizer: SGD,
  points: Points,
  config: Config,
  random: Random,
  startStep: number,
): AsyncGenerator<{ step: number; trainLoss: number }> {
  const parameters = model.namedParameters();
  for (let step = startStep + 1; step <= config.steps; step++) {
    const batch = Array.from({ length: config.batchSize }, () => random.integer(config.points));
    const loss = tf.tidy(() => {
      const x = tf.gather(points.x, batch); // [B, 1]
      const y = tf.gather(points.y, batch); // [B, 1]
      const { value, gradients } = valueAndGradients(() => meanSquaredErrorLoss(model.forward(x), y), parameters);
      optimizer.update(parameters, gradients, config.optimizer.learningRate);
      return value;
    });
    const [trainLoss] = await loss.data();
    loss.dispose();
    if (config.pauseMilliseconds > 0) await new Promise((done) => setTimeout(done, config.pauseMilliseconds));
    yield { step, trainLoss: step === config.breakAt ? Number.NaN : trainLoss! };
  }
}

export function evaluate(model: Dense, points: Points): number {
  return tf.tidy(() => meanSquaredErrorLoss(model.forward(points.x), points.y).dataSync()[0]!);
}

export type { RandomState };

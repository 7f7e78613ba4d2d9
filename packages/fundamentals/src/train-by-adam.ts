/** The one loop of the experiments that train a single net on a loss of their own. */
import { compile, tf } from '@milestones/backend';
import { Adam, clipByGlobalNorm, valueAndGradients, type Module } from '@milestones/core';
import type { ExperimentContext } from './experiment.ts';

/** What {@link trainByAdam} needs. */
export interface TrainByAdamOptions<Inputs extends [tf.Tensor, ...tf.Tensor[]]> {
  model: Module;
  /** The loss of one batch: a scalar. Compiled, so a pure function of its tensors. */
  loss: (...inputs: Inputs) => tf.Tensor;
  /** The tensors of a batch; freed after the step. Steps count from 0. */
  batch: (step: number) => Inputs;
  steps: number;
  /** At the first step; it falls along a straight line to a tenth at the last. */
  learningRate: number;
  /** Hears of each step, and of the loss about a hundred times. */
  context: Pick<ExperimentContext, 'advance' | 'log'>;
  /** What the loss is called in the log. Default `trainLoss`. */
  metric?: string;
}

/** Trains `model` by Adam; it is in evaluation mode afterwards. Returns the curve of the loss. */
export async function trainByAdam<Inputs extends [tf.Tensor, ...tf.Tensor[]]>(
  options: TrainByAdamOptions<Inputs>,
): Promise<[step: number, loss: number][]> {
  const { model, loss, batch, steps, learningRate, context, metric = 'trainLoss' } = options;
  const parameters = model.train().trainableParameters();
  const optimizer = new Adam().initialize(parameters);
  const step = compile((rate: tf.Scalar, ...inputs: tf.Tensor[]) => {
    const { value, gradients } = valueAndGradients(
      () => loss(...(inputs as [tf.Tensor, ...tf.Tensor[]] as Inputs)),
      parameters,
    );
    optimizer.update(parameters, clipByGlobalNorm(gradients, 5).gradients, rate);
    return value;
  });
  const curve: [number, number][] = [];
  const every = Math.max(1, Math.round(steps / 100));
  try {
    for (let index = 0; index < steps; index++) {
      const rate = tf.scalar(learningRate * (1 - (0.9 * index) / steps));
      const inputs = batch(index);
      const value = await step(rate, ...inputs);
      const [number] = await value.data();
      tf.dispose([rate, value, ...inputs]);
      if ((index + 1) % every === 0) {
        curve.push([index + 1, number!]);
        context.log(index + 1, { [metric]: number! });
      }
      context.advance({ [metric]: number! });
    }
    return curve;
  } finally {
    await step.dispose();
    optimizer.dispose();
    model.eval();
  }
}

/** A batch of `batchSize` places of `count`, at random, as numbers. */
export function drawBatch(random: { integer(limit: number): number }, count: number, batchSize: number): number[] {
  return Array.from({ length: batchSize }, () => random.integer(count));
}

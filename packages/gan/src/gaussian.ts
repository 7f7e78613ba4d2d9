/**
 * Figure 1 of the paper, as an experiment: the data are numbers from one Gaussian, the generator bends uniform noise until its
 * density is theirs, and the discriminator ends at D = ½ everywhere, where its loss is ln 4. Goodfellow et al. 2014, figure 1
 * and theorem 1.
 * Dimensions: B batch.
 */
import { compile, tf } from '@milestones/backend';
import {
  Adam,
  Dense,
  heNormal,
  leakyRelu,
  Module,
  Random,
  RandomKey,
  valueAndGradients,
  zeros,
} from '@milestones/core';
import type { GaussianConfig } from './config.ts';
import { discriminatorLoss, generatorLoss } from './loss.ts';

/** 1 → H → H → 1, leaky ReLU 0.2: either player of the one-dimensional game. */
export class ScalarNetwork extends Module {
  readonly layers: Dense[];

  constructor(hidden: number) {
    super();
    const start = { weightInitializer: heNormal(), biasInitializer: zeros() };
    this.layers = [new Dense(1, hidden, start), new Dense(hidden, hidden, start), new Dense(hidden, 1, start)];
  }

  /** [B, 1] → [B, 1] */
  forward(x: tf.Tensor2D): tf.Tensor2D {
    let activity: tf.Tensor = x;
    for (const [index, layer] of this.layers.entries()) {
      activity = layer.forward(activity); // [B, H]; at last [B, 1]
      if (index < this.layers.length - 1) activity = leakyRelu(activity, 0.2);
    }
    return activity as tf.Tensor2D;
  }
}

/** The game at one moment, for the picture. */
export interface GaussianMoment {
  step: number;
  /** Generated numbers, of evenly spaced noise from −1 to 1. */
  generated: Float32Array;
  /** Where D was read. */
  positions: Float32Array;
  /** D there. */
  judgement: Float32Array;
}

/** What the experiment gives. */
export interface GaussianOutcome {
  /** Mean over the last tenth of the updates; ln 4 at equilibrium. */
  discriminatorLoss: number;
  /** Mean and standard deviation of the generated numbers. */
  mean: number;
  deviation: number;
  moments: GaussianMoment[];
}

/** What a caller may want to know. */
export interface GaussianEvents {
  /** After each update that is to be logged; and after one whose loss is not finite. */
  onLosses?(step: number, losses: { discriminatorLoss: number; generatorLoss: number }): void;
  /** After each update: true stops the experiment. */
  onStep?(step: number): boolean;
}

/** Plays the game, and reads it at the start, after 2 %, after 10 % and at the end. */
export async function playGaussian(
  config: GaussianConfig,
  seed: number,
  events: GaussianEvents = {},
): Promise<GaussianOutcome> {
  const { mean, deviation, hidden, batchSize, steps } = config;
  const generator = new ScalarNetwork(hidden).initialize(seed);
  const discriminator = new ScalarNetwork(hidden).initialize(seed + 1);
  const parameters = { generator: generator.trainableParameters(), discriminator: discriminator.trainableParameters() };
  const optimizers = {
    generator: new Adam({ beta1: 0.5 }).initialize(parameters.generator),
    discriminator: new Adam({ beta1: 0.5 }).initialize(parameters.discriminator),
  };
  const generatorStep = compile((rate: tf.Scalar, keyTensor: tf.Tensor1D) => {
    const noise = tf.sub(tf.mul(new RandomKey(keyTensor).fold('noise').uniform([batchSize, 1]), 2), 1) as tf.Tensor2D;
    let generated!: tf.Tensor2D;
    const { value, gradients } = valueAndGradients(() => {
      generated = tf.keep(generator.forward(noise)); // not freed with the record of the gradients
      return generatorLoss(discriminator.forward(generated), 'nonSaturating');
    }, parameters.generator);
    optimizers.generator.update(parameters.generator, gradients, rate);
    return { loss: value, generated };
  });
  const discriminatorStep = compile((generated: tf.Tensor2D, rate: tf.Scalar, keyTensor: tf.Tensor1D) => {
    const normal = new RandomKey(keyTensor).fold('data').normal([batchSize, 1]);
    const real = tf.add(tf.mul(normal, deviation), mean) as tf.Tensor2D;
    const { value, gradients } = valueAndGradients(
      () => discriminatorLoss(discriminator.forward(real), discriminator.forward(generated)),
      parameters.discriminator,
    );
    optimizers.discriminator.update(parameters.discriminator, gradients, rate);
    return { loss: value };
  });

  const random = new Random(seed, 'gaussian');
  const shown = new Set([0, Math.round(0.02 * steps), Math.round(0.1 * steps), steps]);
  const moments: GaussianMoment[] = [];
  const lastTenth = { sum: 0, count: 0 };
  const look = async (step: number): Promise<void> => {
    if (shown.has(step)) moments.push(await readMoment(generator, discriminator, config, step));
  };
  try {
    await look(0);
    for (let step = 0; step < steps; step++) {
      const left = 1 - step / steps;
      const rate = tf.scalar(config.learningRate * left);
      const discriminatorRate = tf.scalar(config.discriminatorRate * left);
      const key = random.keyAt(step);
      const made = await generatorStep(rate, key);
      const judged = await discriminatorStep(made.generated as tf.Tensor2D, discriminatorRate, key);
      const losses = {
        discriminatorLoss: (await judged.loss.data())[0]!,
        generatorLoss: (await made.loss.data())[0]!,
      };
      tf.dispose([rate, discriminatorRate, key, made, judged]);
      const done = step + 1;
      const finite = Number.isFinite(losses.discriminatorLoss) && Number.isFinite(losses.generatorLoss);
      if (done % config.logEvery === 0 || !finite) events.onLosses?.(done, losses);
      if (done > 0.9 * steps) {
        lastTenth.sum += losses.discriminatorLoss;
        lastTenth.count++;
      }
      await look(done);
      if (events.onStep?.(done)) break;
    }
    const { generated } = await readMoment(generator, discriminator, config, steps);
    const average = generated.reduce((sum, value) => sum + value, 0) / generated.length;
    const variance = generated.reduce((sum, value) => sum + (value - average) ** 2, 0) / generated.length;
    return {
      discriminatorLoss: lastTenth.sum / lastTenth.count,
      mean: average,
      deviation: Math.sqrt(variance),
      moments,
    };
  } finally {
    for (const owner of [generatorStep, discriminatorStep]) await owner.dispose();
    for (const owner of [generator, discriminator, ...Object.values(optimizers)]) owner.dispose();
  }
}

async function readMoment(
  generator: ScalarNetwork,
  discriminator: ScalarNetwork,
  { mean, deviation }: GaussianConfig,
  step: number,
): Promise<GaussianMoment> {
  const read = tf.tidy(() => {
    const noise = tf.reshape(tf.linspace(-1, 1, 2001), [-1, 1]) as tf.Tensor2D;
    const positions = tf.linspace(mean - 5 * deviation, mean + 5 * deviation, 201);
    const judgement = tf.sigmoid(discriminator.forward(tf.reshape(positions, [-1, 1])));
    return [generator.forward(noise), positions, judgement];
  });
  const [generated, positions, judgement] = (await Promise.all(read.map((tensor) => tensor.data()))) as Float32Array[];
  tf.dispose(read);
  return { step, generated: generated!, positions: positions!, judgement: judgement! };
}

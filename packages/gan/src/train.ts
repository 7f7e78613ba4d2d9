/**
 * Training: both players' updates, and the loop, all here to read. Goodfellow et al. 2014, algorithm 1 with k = 1, as their
 * published code runs it.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import { Adam, Random, RandomKey, valueAndGradients, type Parameter, type WeightAverage } from '@milestones/core';
import { ImageBatches, type ImageDataset } from '@milestones/datasets';
import type { TrainingConfig } from './config.ts';
import { discriminatorLoss, generatorLoss } from './loss.ts';
import type { ImageDiscriminator, ImageGenerator } from './model.ts';
import { SaturationWatch } from './saturation.ts';
import { ScheduledMomentum } from './scheduled-momentum.ts';

/** The two players. */
export interface Players {
  generator: ImageGenerator;
  discriminator: ImageDiscriminator;
}

/** Each player has an optimizer of its own: neither can touch the other's weights or moments. */
export interface PlayerOptimizers {
  generator: PlayerOptimizer;
  discriminator: PlayerOptimizer;
}

/** Descends with a learning rate and, where it has one, a momentum that arrive with each update. */
export interface PlayerOptimizer {
  update(
    parameters: ReadonlyMap<string, Parameter>,
    gradients: Readonly<Record<string, tf.Tensor>>,
    learningRate: tf.Scalar,
    momentum: tf.Scalar,
  ): void;
  stateDict(): Record<string, tf.Variable>;
  loadStateDict(state: Readonly<Record<string, tf.Tensor>>): void;
  dispose(): void;
}

/**
 * Pixels of real images [B, H, W, C], learning rate, momentum, random key [2] → both losses (the discriminator's is ln 4 at
 * equilibrium), and the shares of real and of generated images that the discriminator judged rightly.
 */
export type GameStep = CompiledStep<
  [tf.Tensor4D, tf.Scalar, tf.Scalar, tf.Tensor1D],
  Record<'discriminatorLoss' | 'generatorLoss' | 'realRight' | 'generatedRight', tf.Tensor>
>;

/** Optimizers for both players, with their state allocated. */
export function createOptimizers({ generator, discriminator }: Players, config: TrainingConfig): PlayerOptimizers {
  const create = (): Adam | ScheduledMomentum =>
    config.optimizer === 'adam' ? new Adam({ beta1: config.adamBeta1 }) : new ScheduledMomentum();
  return {
    generator: create().initialize(generator.trainableParameters()),
    discriminator: create().initialize(discriminator.trainableParameters()),
  };
}

/**
 * One update of both players, from the same point of the game, as in the published code: both gradients are computed before
 * either network changes, and the images that the generator is graded by are those that the discriminator is shown, under
 * the same dropout. A compiled step makes and judges them once.
 *
 * The discriminator descends on half the sum of its two cross-entropies; the reported loss is the sum.
 *
 * @param average takes in the generator's new weights; the game does not depend on it
 */
export function createGameStep(
  { generator, discriminator }: Players,
  optimizers: PlayerOptimizers,
  { batchSize, objective }: Pick<TrainingConfig, 'batchSize' | 'objective'>,
  average?: WeightAverage,
): GameStep {
  const ofGenerator = generator.trainableParameters();
  const ofDiscriminator = discriminator.trainableParameters();
  return compile((pixels, learningRate, momentum, keyTensor) => {
    const key = new RandomKey(keyTensor);
    let generated!: tf.Tensor;
    const made = valueAndGradients(() => {
      // Kept: what is made while gradients are recorded is freed with the record.
      generated = tf.keep(generator.forward(noiseIn(generator, key.fold('noise'), batchSize))); // [B, P] or [B, S, S, C]
      return generatorLoss(discriminator.forward(generated, key.fold('generated')), objective);
    }, ofGenerator);

    let logits!: { real: tf.Tensor2D; generated: tf.Tensor2D };
    const judged = valueAndGradients(() => {
      logits = {
        real: tf.keep(discriminator.forward(discriminator.fromPixels(pixels), key.fold('real'))), // [B, 1]
        generated: tf.keep(discriminator.forward(generated, key.fold('generated'))), // [B, 1]
      };
      return tf.mul(discriminatorLoss(logits.real, logits.generated), 0.5);
    }, ofDiscriminator);

    optimizers.generator.update(ofGenerator, made.gradients, learningRate, momentum);
    optimizers.discriminator.update(ofDiscriminator, judged.gradients, learningRate, momentum);
    average?.update(ofGenerator);
    const share = (right: tf.Tensor): tf.Tensor => tf.mean(tf.cast(right, 'float32'));
    const found = {
      discriminatorLoss: tf.mul(judged.value, 2),
      generatorLoss: made.value,
      realRight: share(tf.greater(logits.real, 0)),
      generatedRight: share(tf.lessEqual(logits.generated, 0)),
    };
    tf.dispose([generated, logits.real, logits.generated]);
    return found;
  });
}

function noiseIn({ noise, noiseSize }: ImageGenerator, key: RandomKey, count: number): tf.Tensor2D {
  if (noise === 'gaussian') return key.normal([count, noiseSize]) as tf.Tensor2D;
  return tf.mul(tf.sub(tf.mul(key.uniform([count, noiseSize]), 2), 1), Math.sqrt(3)) as tf.Tensor2D; // U(−√3, √3)
}

/** Learning rate of a step (0 is the first): divided by a constant after each update, down to a floor. */
export function learningRateAt({ learningRate, rateDecay, rateFloor }: TrainingConfig, step: number): number {
  return Math.max(rateFloor, learningRate / rateDecay ** step);
}

/** Momentum of an epoch (0 is the first): `momentum` until epoch 1, then a straight line to `finalMomentum`. */
export function momentumAt({ momentum, finalMomentum, momentumEpochs }: TrainingConfig, epoch: number): number {
  const share = Math.min(1, Math.max(0, (epoch - 1) / (momentumEpochs - 1)));
  return momentum + share * (finalMomentum - momentum);
}

/** What an update found. */
export type StepLosses = Record<'discriminatorLoss' | 'generatorLoss' | 'realRight' | 'generatedRight', number>;

/** What a caller may want to know while {@link train} runs; all may be asynchronous. */
export interface TrainingEvents {
  /** After each update that is to be logged, and after each with a loss that is not finite. */
  onLosses?(step: number, losses: StepLosses, learningRate: number): void | Promise<void>;
  /** Where an evaluation is due. */
  onEvaluation?(step: number): void | Promise<void>;
  /** Once, when the discriminator's loss has sunk to where the generator learns nothing. */
  onSaturation?(step: number, message: string): void | Promise<void>;
  /** After each update: true stops the run after this step. */
  onStep?(step: number, checkpointDue: boolean): boolean | Promise<boolean>;
}

/** What {@link train} needs. */
export interface TrainingRun {
  players: Players;
  optimizers: PlayerOptimizers;
  images: ImageDataset;
  config: TrainingConfig;
  seed: number;
  /** A moving average of the generator's weights, initialized. */
  average?: WeightAverage | undefined;
  /** Updates that were already made; 0 for a new run. */
  startStep?: number;
  /** Watches for saturation; give the one of a resumed run its state. */
  saturation?: SaturationWatch;
  events?: TrainingEvents;
}

/**
 * The training loop. Everything random in it is a function of the seed and of the step, so that a run which was stopped
 * and continued is bit for bit the run that never stopped.
 *
 * @returns the number of updates made in all
 */
export async function train(run: TrainingRun): Promise<number> {
  const { players, optimizers, config, seed, startStep = 0, events = {} } = run;
  const saturation = run.saturation ?? new SaturationWatch(config.saturation);
  const gameStep = createGameStep(players, optimizers, config, run.average);
  const random = new Random(seed, 'adversarial');
  const batches = new ImageBatches({ dataset: run.images, batchSize: config.batchSize, seed });
  batches.seek(startStep);
  players.generator.train();
  players.discriminator.train();
  try {
    for (let step = startStep; step < config.steps; step++) {
      const batch = await batches.next();
      const real = tf.tensor4d(batch.images, batch.shape);
      const rate = tf.scalar(learningRateAt(config, step));
      const momentum = tf.scalar(momentumAt(config, batches.epochOf(step)));
      const key = random.keyAt(step);
      const found = await gameStep(real, rate, momentum, key);
      const read = async (tensor: tf.Tensor): Promise<number> => (await tensor.data())[0]!;
      const losses: StepLosses = {
        discriminatorLoss: await read(found.discriminatorLoss),
        generatorLoss: await read(found.generatorLoss),
        realRight: await read(found.realRight),
        generatedRight: await read(found.generatedRight),
      };
      tf.dispose([real, rate, momentum, key, found]);

      const done = step + 1;
      const finite = Number.isFinite(losses.discriminatorLoss) && Number.isFinite(losses.generatorLoss);
      if (done % config.logEvery === 0 || !finite) {
        await events.onLosses?.(done, losses, learningRateAt(config, step));
      }
      if (saturation.take(done, losses.discriminatorLoss)) await events.onSaturation?.(done, saturation.message()!);
      if (done % config.evaluateEvery === 0 || done === config.steps) await events.onEvaluation?.(done);
      const checkpointDue = done % config.checkpointEvery === 0 || done === config.steps;
      if (await events.onStep?.(done, checkpointDue)) return done;
    }
    return config.steps;
  } finally {
    await batches.dispose();
    await gameStep.dispose();
  }
}

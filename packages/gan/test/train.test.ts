import { tf, useBackend } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  encodeSafetensors,
  Random,
  RandomKey,
  tensorsToData,
  valueAndGradients,
  WeightAverage,
} from '@milestones/core';
import { checkGradients } from '@milestones/core/testing';
import { generateDigits } from '@milestones/datasets';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createGameStep,
  createOptimizers,
  DcganDiscriminator,
  DcganGenerator,
  Discriminator,
  discriminatorLoss,
  equilibriumLoss,
  Generator,
  generatorLoss,
  learningRateAt,
  momentumAt,
  SaturationWatch,
  ScheduledMomentum,
  train,
  trainingSchema,
  type Players,
  type TrainingEvents,
  type TrainingRun,
} from '../src/index.ts';

const config = v.parse(trainingSchema, { steps: 6, batchSize: 4, logEvery: 2, evaluateEvery: 3, checkpointEvery: 2 });
const images = generateDigits({ count: 20, seed: 1, size: 8 });
const model = { noiseSize: 4, generatorHidden: [8], discriminatorUnits: [5, 5], pieces: 2, imageSize: 8 };

const maxoutPlayers = (): Players => ({ generator: new Generator(model), discriminator: new Discriminator(model) });
const convolutionalPlayers = (): Players => {
  const options = { noiseSize: 4, width: 2, size: 8, imageSize: 8 };
  return { generator: new DcganGenerator(options), discriminator: new DcganDiscriminator(options) };
};

function newRun(
  players: Players,
  seed: number,
  events: TrainingEvents = {},
  changes: Partial<typeof config> = {},
): TrainingRun {
  players.generator.initialize(seed);
  players.discriminator.initialize(seed + 1);
  const changed = { ...config, ...changes };
  return { players, optimizers: createOptimizers(players, changed), images, config: changed, seed, events };
}

const partsOf = ({ players, optimizers }: TrainingRun) => ({
  ...players,
  generatorOptimizer: optimizers.generator,
  discriminatorOptimizer: optimizers.discriminator,
});

async function bytesOf(run: TrainingRun): Promise<Record<string, Uint8Array>> {
  const bytes: Record<string, Uint8Array> = {};
  for (const [name, part] of Object.entries(partsOf(run))) {
    bytes[name] = encodeSafetensors(await tensorsToData(part.stateDict()));
  }
  return bytes;
}

function disposeRun(run: TrainingRun): void {
  for (const part of Object.values(partsOf(run))) part.dispose();
}

describe('losses', () => {
  beforeAll(async () => {
    await useBackend('cpu');
  });

  it('of a discriminator that cannot tell is ln 4, and the generator’s are ln 2 and −ln 2', () => {
    tf.tidy(() => {
      const zeros = tf.zeros([3, 1]);
      expect(discriminatorLoss(zeros, zeros).dataSync()[0]).toBeCloseTo(equilibriumLoss, 6);
      expect(equilibriumLoss).toBeCloseTo(1.386294, 6);
      expect(generatorLoss(zeros, 'nonSaturating').dataSync()[0]).toBeCloseTo(Math.LN2, 6);
      expect(generatorLoss(zeros, 'minimax').dataSync()[0]).toBeCloseTo(-Math.LN2, 6);
    });
  });

  it('are those of the definition, from logits, without overflow', () => {
    tf.tidy(() => {
      const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
      const [real, generated] = [
        [0.3, -2],
        [1.5, -0.7],
      ] as const;
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
      const value = -mean(real.map((z) => Math.log(sigmoid(z)))) - mean(generated.map((z) => Math.log(1 - sigmoid(z))));
      const column = (values: readonly number[]): tf.Tensor => tf.tensor2d([...values], [values.length, 1]);
      expect(discriminatorLoss(column(real), column(generated)).dataSync()[0]).toBeCloseTo(value, 5);
      expect(discriminatorLoss(column([-200]), column([200])).dataSync()[0]).toBeCloseTo(400, 3);
      const fooled = -mean(generated.map((z) => Math.log(sigmoid(z))));
      expect(generatorLoss(column(generated), 'nonSaturating').dataSync()[0]).toBeCloseTo(fooled, 5);
    });
  });

  it('where the discriminator is sure, only the non-saturating loss still has a slope', () => {
    const slope = (objective: 'minimax' | 'nonSaturating'): number =>
      tf.tidy(
        () =>
          tf
            .grad((z) => generatorLoss(z, objective))(tf.tensor2d([-12], [1, 1]))
            .dataSync()[0]!,
      );
    expect(Math.abs(slope('minimax'))).toBeLessThan(1e-4);
    expect(slope('nonSaturating')).toBeCloseTo(-1, 4);
  });

  it('have right gradients through both networks', async () => {
    const players = maxoutPlayers();
    players.generator.initialize(1).eval();
    players.discriminator.initialize(2).eval();
    for (const [, { value }] of players.discriminator.trainableParameters()) value.assign(tf.mul(value, 60));
    const noise = tf.randomUniform([3, 4], -1, 1, 'float32', 5);
    await checkGradients(
      (z) => generatorLoss(players.discriminator.forward(players.generator.forward(z as tf.Tensor2D)), 'nonSaturating'),
      [noise],
      { parameters: players.generator.trainableParameters(), step: 1e-2, tolerance: 2e-2 },
    );
    noise.dispose();
    players.generator.dispose();
    players.discriminator.dispose();
  });
});

describe('schedules of the published configuration', () => {
  const published = v.parse(trainingSchema, {});

  it('the rate is divided by 1.000004 after each update, down to a floor', () => {
    expect(learningRateAt(published, 0)).toBe(0.1);
    expect(learningRateAt(published, 1)).toBeCloseTo(0.1 / 1.000004, 12);
    expect(learningRateAt(published, 125_000)).toBeCloseTo(0.1 * Math.exp(-0.5), 5);
    expect(learningRateAt(published, 1e8)).toBe(1e-6);
  });

  it('the momentum rises from 0.5 after epoch 1 to 0.7 at epoch 250', () => {
    expect([0, 1, 250, 900].map((epoch) => momentumAt(published, epoch))).toEqual([0.5, 0.5, 0.7, 0.7]);
    expect(momentumAt(published, 125.5)).toBeCloseTo(0.6, 12);
  });
});

describe('ScheduledMomentum', () => {
  it('v ← μ v − ε g, θ ← θ + v, with the μ and the ε of each update', async () => {
    await useBackend('cpu');
    const generator = new Generator(model).initialize(1);
    const { bias } = generator.output;
    const parameters = new Map([['bias', bias!]]);
    const optimizer = new ScheduledMomentum().initialize(parameters);
    bias!.value.assign(tf.zeros([64]));
    const gradients = { bias: tf.ones([64]) };
    optimizer.update(parameters, gradients, 0.1, 0.5);
    expect(bias!.value.dataSync()[0]).toBeCloseTo(-0.1, 6);
    optimizer.update(parameters, gradients, 0.2, 0.7);
    expect(bias!.value.dataSync()[0]).toBeCloseTo(-0.1 - 0.07 - 0.2, 6);
    optimizer.dispose();
    generator.dispose();
  });
});

describe('SaturationWatch', () => {
  it('tells once that the discriminator has won, and counts on', () => {
    const watch = new SaturationWatch(0.1);
    const told = Array.from({ length: 400 }, (_, index) => watch.take(index + 1, 0)).filter(Boolean);
    expect(told).toHaveLength(1);
    expect(watch.state.firstStep).toBe(262); // 1.386 · 0.99^262 is the first below 0.1
    expect(watch.state.saturatedSteps).toBe(400 - 261);
    expect(watch.message()).toContain('saturated at 139 updates, first at 262');
    const continued = new SaturationWatch(0.1, watch.state);
    expect(continued.take(401, 0)).toBe(false);
    expect(continued.state.saturatedSteps).toBe(140);
  });

  it('has nothing to tell at equilibrium, and refuses thresholds above it', () => {
    const watch = new SaturationWatch(0.1);
    for (let step = 1; step < 500; step++) watch.take(step, equilibriumLoss);
    expect(watch.message()).toBeUndefined();
    expect(() => new SaturationWatch(2)).toThrow('the threshold 2 arrived');
  });
});

describe.each([
  ['maxout', 'momentum', maxoutPlayers],
  ['convolutions', 'adam', convolutionalPlayers],
] as const)('training with %s and %s', (_, optimizer, build) => {
  beforeAll(async () => {
    await useBackend('onnx');
  });
  const changes = { optimizer, learningRate: optimizer === 'adam' ? 0.002 : 0.1 };

  it('stopped and continued, is the run that never stopped, bit for bit', async () => {
    const whole = newRun(build(), 7, {}, changes);
    expect(await train(whole)).toBe(6);
    const stopped = newRun(build(), 7, { onStep: (step) => step === 4 }, changes);
    expect(await train(stopped)).toBe(4);
    const files = await bytesOf(stopped);
    const continued = newRun(build(), 99, {}, changes); // Other weights: everything must come from the files.
    for (const [name, part] of Object.entries(partsOf(continued))) {
      const state = dataToTensors(decodeSafetensors(files[name]!).tensors);
      part.loadStateDict(state);
      tf.dispose(state);
    }
    await train({ ...continued, seed: 7, startStep: 4 });
    expect(await bytesOf(continued)).toEqual(await bytesOf(whole));
    [whole, stopped, continued].forEach(disposeRun);
  });

  it('leaves nothing behind', async () => {
    const run = newRun(build(), 1, {}, changes);
    const before = tf.memory().numTensors;
    await train(run);
    expect(tf.memory().numTensors).toBe(before);
    disposeRun(run);
  });
});

describe('both updates', () => {
  it.each(['cpu', 'onnx'] as const)('start from the same point of the game, on %s', async (engine) => {
    await useBackend(engine);
    const run = newRun(maxoutPlayers(), 3);
    const { generator, discriminator } = run.players;
    generator.train();
    discriminator.train();
    const [rate, momentum, key] = [tf.scalar(0.1), tf.scalar(0.5), new Random(1).keyAt(0)];
    const real = tf.fill([4, 8, 8, 1], 0.5) as tf.Tensor4D;
    // The same, by definition: gradients of both losses with neither network changed.
    const expected = tf.tidy(() => {
      const root = new RandomKey(key);
      const noise = tf.mul(tf.sub(tf.mul(root.fold('noise').uniform([4, 4]), 2), 1), Math.sqrt(3)) as tf.Tensor2D;
      const painted = generator.forward(noise);
      const judge = (x: tf.Tensor, name: string): tf.Tensor2D => discriminator.forward(x, root.fold(name));
      const made = valueAndGradients(
        () => generatorLoss(judge(generator.forward(noise), 'generated'), 'nonSaturating'),
        generator.trainableParameters(),
      );
      const judged = valueAndGradients(
        () => discriminatorLoss(judge(tf.reshape(real, [4, 64]), 'real'), judge(painted, 'generated')),
        discriminator.trainableParameters(),
      );
      const moved = (player: typeof generator | typeof discriminator, name: string, gradient: tf.Tensor): number[] =>
        Array.from(tf.sub(player.stateDict()[name]!, tf.mul(gradient, 0.1)).dataSync());
      return {
        generator: moved(generator, 'output.weight', made.gradients['output.weight']!),
        discriminator: moved(discriminator, 'output.weight', tf.mul(judged.gradients['output.weight']!, 0.5)),
        losses: [judged.value.dataSync()[0]!, made.value.dataSync()[0]!],
      };
    });
    const gameStep = createGameStep(run.players, run.optimizers, config);
    const found = await gameStep(real, rate, momentum, key);
    for (const [name, player] of Object.entries(run.players)) {
      const after = (player as Generator).stateDict()['output.weight']!.dataSync();
      const wanted = expected[name as 'generator' | 'discriminator'];
      expect(after).toHaveLength(wanted.length);
      for (const [index, value] of wanted.entries()) expect(after[index]).toBeCloseTo(value, 6);
    }
    expect(found.discriminatorLoss.dataSync()[0]).toBeCloseTo(expected.losses[0]!, 5);
    expect(found.generatorLoss.dataSync()[0]).toBeCloseTo(expected.losses[1]!, 5);
    expect(found.discriminatorLoss.dataSync()[0]).toBeCloseTo(equilibriumLoss, 2); // Weights of ±0.005 know nothing yet.
    await gameStep.dispose();
    tf.dispose([rate, momentum, key, real, found]);
    disposeRun(run);
  });

  it('agree on cpu and onnx', async () => {
    const losses: Record<string, number[]> = {};
    for (const engine of ['cpu', 'onnx'] as const) {
      await useBackend(engine);
      const found: number[] = [];
      losses[engine] = found;
      const onLosses: TrainingEvents['onLosses'] = (_step, values) =>
        void found.push(values.discriminatorLoss, values.generatorLoss);
      const run = newRun(maxoutPlayers(), 5, { onLosses });
      await train(run);
      disposeRun(run);
    }
    expect(losses['cpu']).toHaveLength(6);
    for (const [index, value] of losses['cpu']!.entries()) expect(losses['onnx']![index]).toBeCloseTo(value, 4);
  });
});

describe('the average of the generator’s weights', () => {
  it.each(['cpu', 'onnx'] as const)('takes in each update and leaves the game as it is, on %s', async (engine) => {
    await useBackend(engine);
    const path: number[] = [];
    // Adam: its steps are seen, while those of small gradients are not.
    const changes = { optimizer: 'adam', learningRate: 0.01 } as const;
    const onStep = async (): Promise<boolean> => {
      path.push((await plain.players.generator.stateDict()['output.bias']!.data())[5]!);
      return false;
    };
    const plain: TrainingRun = newRun(maxoutPlayers(), 11, { onStep }, changes);
    const start = plain.players.generator.stateDict()['output.bias']!.dataSync()[5]!;
    await train(plain);
    const averaged = newRun(maxoutPlayers(), 11, {}, changes);
    const weights = averaged.players.generator.trainableParameters();
    const average = new WeightAverage({ decay: 0.75 }).initialize(weights);
    await train({ ...averaged, average });
    expect(await bytesOf(averaged)).toEqual(await bytesOf(plain));
    const expected = path.reduce((mean, value) => 0.75 * mean + 0.25 * value, start);
    expect(expected).not.toBeCloseTo(path.at(-1)!, 3);
    expect(average.stateDict()['average.value.output.bias']!.dataSync()[5]).toBeCloseTo(expected, 6);
    average.dispose();
    [plain, averaged].forEach(disposeRun);
  });
});

describe('events', () => {
  beforeAll(async () => {
    await useBackend('onnx');
  });

  it('come at the planned steps', async () => {
    const seen = { logged: [] as number[], evaluated: [] as number[], saved: [] as number[] };
    const run = newRun(maxoutPlayers(), 1, {
      onLosses: (step) => void seen.logged.push(step),
      onEvaluation: (step) => void seen.evaluated.push(step),
      onStep: (step, due) => {
        if (due) seen.saved.push(step);
        return false;
      },
    });
    await train(run);
    expect(seen).toEqual({ logged: [2, 4, 6], evaluated: [3, 6], saved: [2, 4, 6] });
    disposeRun(run);
  });

  it('a loss that is not finite is told at once', async () => {
    const run = newRun(maxoutPlayers(), 1, {
      onLosses: (step, { discriminatorLoss: loss }) => {
        if (!Number.isFinite(loss)) throw new Error(`seen at step ${step}`);
      },
    });
    (run.players.discriminator as Discriminator).output.weight.assign(tf.fill([5, 1], Number.NaN));
    await expect(train(run)).rejects.toThrow('seen at step 1');
    disposeRun(run);
  });

  it('a discriminator that has won is told', async () => {
    const told: string[] = [];
    const run = newRun(maxoutPlayers(), 1, { onSaturation: (step, message) => void told.push(`${step}: ${message}`) });
    // A mean below the threshold stands for a long history of small losses.
    const saturation = new SaturationWatch(1.3, { mean: 1.2, saturatedSteps: 0, firstStep: 0 });
    await train({ ...run, saturation });
    expect(saturation.state.saturatedSteps).toBe(6);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('lower training.learningRate');
    disposeRun(run);
  });
});

import { tf, useBackend, type EngineName } from '@milestones/backend';
import { dataToTensors, decodeSafetensors, encodeSafetensors, tensorsToData } from '@milestones/core';
import { generateShapes } from '@milestones/datasets';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  augmentationSchema,
  createOptimizer,
  createTrainStep,
  highestRate,
  learningRateSchedule,
  SimCLR,
  train,
  trainingSchema,
  uniformLoss,
  type ModelOptions,
  type TrainingConfig,
  type TrainingEvents,
  type TrainingRun,
} from '../src/index.ts';

const configOf = (options: Partial<TrainingConfig> = {}) =>
  v.parse(trainingSchema, {
    steps: 6,
    batchSize: 4,
    warmupSteps: 2,
    workers: 0,
    logEvery: 2,
    evaluateEvery: 3,
    checkpointEvery: 2,
    ...options,
  });
const augmentation = v.parse(augmentationSchema, {});
const images = generateShapes({ count: 20, seed: 1, size: 8 });
const small: ModelOptions = { encoder: 'small', widths: [4, 5], strides: [1, 2], output: 3 };

function newRun(
  seed: number,
  options: { events?: TrainingEvents; config?: Partial<TrainingConfig>; model?: ModelOptions } = {},
): TrainingRun {
  const config = configOf(options.config);
  const model = new SimCLR({ ...small, ...options.model }).initialize(seed);
  const { events = {} } = options;
  return { model, optimizer: createOptimizer(model, config), images, augmentation, config, seed, events };
}

async function bytesOf({ model, optimizer }: TrainingRun): Promise<Record<string, Uint8Array>> {
  return {
    model: encodeSafetensors(await tensorsToData(model.stateDict())),
    optimizer: encodeSafetensors(await tensorsToData(optimizer.stateDict())),
  };
}

function load({ model, optimizer }: TrainingRun, bytes: Record<string, Uint8Array>): void {
  for (const [name, target] of Object.entries({ model, optimizer })) {
    const state = dataToTensors(decodeSafetensors(bytes[name]!).tensors);
    target.loadStateDict(state);
    tf.dispose(state);
  }
}

function disposeRun({ model, optimizer }: TrainingRun): void {
  model.dispose();
  optimizer.dispose();
}

describe.each([
  ['lars', 'cpu'],
  ['lars', 'onnx'],
  ['adam', 'onnx'],
  ['sgd', 'wasm'],
] as const)('training by %s on %s', (optimizer, engine: EngineName) => {
  it('that was stopped and continued is bit for bit the one that never stopped, and leaves nothing behind', async () => {
    await useBackend(engine);
    const config = { optimizer };
    const whole = newRun(7, { config });
    const before = tf.memory().numTensors;
    expect(await train(whole)).toBe(6);
    expect(tf.memory().numTensors).toBe(before);
    const stopped = newRun(7, { config, events: { onStep: (step) => step === 4 } });
    expect(await train(stopped)).toBe(4);
    const continued = newRun(99, { config });
    load(continued, await bytesOf(stopped));
    await train({ ...continued, seed: 7, startStep: 4 });
    expect(await bytesOf(continued)).toEqual(await bytesOf(whole));
    [whole, stopped, continued].forEach(disposeRun);
  });
});

describe('training', () => {
  it('agrees on cpu and onnx', async () => {
    const losses: Record<string, number[]> = {};
    for (const engine of ['cpu', 'onnx'] as const) {
      await useBackend(engine);
      const found: number[] = [];
      const run = newRun(5, { config: { logEvery: 1 }, events: { onLoss: (_step, loss) => void found.push(loss) } });
      await train(run);
      losses[engine] = found;
      disposeRun(run);
    }
    expect(losses['cpu']).toHaveLength(6);
    for (const [index, value] of losses['cpu']!.entries()) expect(losses['onnx']![index]).toBeCloseTo(value, 4);
  });

  it('begins near ln(2N − 1) and learns', async () => {
    await useBackend('onnx');
    const found: number[] = [];
    const run = newRun(1, {
      model: { batchNorm: false, widths: [16, 32], strides: [2, 2], output: 16 },
      config: {
        steps: 100,
        batchSize: 16,
        optimizer: 'adam',
        learningRate: 0.01,
        rateScaling: 'none',
        logEvery: 1,
      },
      events: { onLoss: (_step, loss) => void found.push(loss) },
    });
    await train(run);
    // Two convolutions see little but colours, in which partners are alike: further off than a deeper encoder.
    expect(Math.abs(found[0]! / uniformLoss(16) - 1)).toBeLessThan(0.05);
    const last = found.slice(-10).reduce((sum, loss) => sum + loss / 10, 0);
    expect(last).toBeLessThan(uniformLoss(16) - 0.15);
    disposeRun(run);
  });

  it('tells its events at the planned steps, and evaluates in evaluation mode', async () => {
    await useBackend('cpu');
    const seen = { logged: [] as number[], evaluated: [] as number[], saved: [] as number[] };
    const run = newRun(1, {
      events: {
        onLoss: (step) => void seen.logged.push(step),
        onEvaluation: (step) => {
          expect(run.model.training).toBe(false);
          seen.evaluated.push(step);
        },
        onStep: (step, due) => {
          expect(run.model.training).toBe(true);
          if (due) seen.saved.push(step);
          return false;
        },
      },
    });
    await train(run);
    expect(seen).toEqual({ logged: [1, 2, 4, 6], evaluated: [3, 6], saved: [2, 4, 6] });
    disposeRun(run);
  });

  it('tells a loss that is not finite at once', async () => {
    const run = newRun(1, {
      events: {
        onLoss: (step, loss) => {
          if (!Number.isFinite(loss)) throw new Error(`seen at step ${step}`);
        },
      },
    });
    run.model.encoder
      .namedParameters()
      .get('layers.0.norm.scale')!
      .assign(tf.fill([4], Number.NaN));
    await expect(train(run)).rejects.toThrow('seen at step 1');
    disposeRun(run);
  });

  it('refuses a batch of one view, and images smaller than the crop', async () => {
    const run = newRun(1);
    const step = createTrainStep(run.model, run.optimizer, run.config);
    const [views, rate] = [tf.zeros([4, 8, 8, 3]) as tf.Tensor4D, tf.scalar(0.1)];
    await expect(step(views, rate)).rejects.toThrow(
      '4 images arrived for a batch of 4, one view of each; give two views of each image',
    );
    await expect(train({ ...run, augmentation: { ...augmentation, size: 16 } })).rejects.toThrow(
      'has images of 8×8 and a view is to be 16×16',
    );
    tf.dispose([views, rate]);
    disposeRun(run);
  });
});

describe('the recipe', () => {
  it('scales the rate with the batch, warms up and falls to 0', () => {
    const config = configOf({ learningRate: 1, batchSize: 512, steps: 100, warmupSteps: 10 });
    expect(highestRate(config)).toBe(2);
    expect(highestRate({ ...config, rateScaling: 'none' })).toBe(1);
    expect(highestRate({ ...config, rateScaling: 'squareRoot', learningRate: 0.075, batchSize: 4096 })).toBeCloseTo(
      4.8,
    );
    const rate = learningRateSchedule(config);
    expect([rate(0), rate(10), rate(55), rate(100)].map((value) => Number(value.toFixed(3)))).toEqual([0.182, 2, 1, 0]);
  });

  it('adapts and decays neither batch norm nor biases', async () => {
    await useBackend('cpu');
    const config = configOf({ weightDecay: 0.5, optimizer: 'lars' });
    const model = new SimCLR({ ...small, batchNorm: false }).initialize(1);
    const optimizer = createOptimizer(model, config);
    const parameters = model.trainableParameters();
    const before = tf.tidy(() => [...parameters].map(([name, { value }]) => [name, [...value.dataSync()]] as const));
    tf.tidy(() => {
      const gradients = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, tf.zeros([...shape])]));
      optimizer.update(parameters, gradients, 1);
    });
    for (const [name, values] of before) {
      const same = values.every((value, index) => value === parameters.get(name)!.value.dataSync()[index]);
      expect([name, same]).toEqual([name, /norm|bias/.test(name)]);
    }
    optimizer.dispose();
    model.dispose();
  });

  it.each([
    [{ batchSize: 1 }, 'batchSize'],
    [{ temperature: 0 }, 'temperature'],
    [{ temperature: -1 }, 'temperature'],
    [{ warmupSteps: 7 }, '7 steps of warm-up do not fit into 6 steps'],
  ])('%j is refused', (options, message) => {
    const result = v.safeParse(trainingSchema, { steps: 6, warmupSteps: 0, ...options });
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.issues?.map((issue) => [v.getDotPath(issue), issue.message]))).toContain(message);
  });
});

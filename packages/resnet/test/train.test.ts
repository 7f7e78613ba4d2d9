import { tf, useBackend } from '@milestones/backend';
import { dataToTensors, decodeSafetensors, encodeSafetensors, tensorsToData } from '@milestones/core';
import { generateShapes, type ImageDataset } from '@milestones/datasets';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  augmentationOf,
  createEvaluateStep,
  createOptimizer,
  evaluate,
  learningRateSchedule,
  ResNet,
  train,
  trainingSchema,
  type TrainingEvents,
  type TrainingRun,
} from '../src/index.ts';

const config = v.parse(trainingSchema, {
  steps: 10,
  batchSize: 4,
  learningRate: 0.05,
  schedule: 'cosine',
  warmupSteps: 2,
  evaluateEvery: 5,
  evaluationBatch: 8,
  checkpointEvery: 4,
  logEvery: 2,
});
const preprocessing = { size: 16, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
const images = generateShapes({ count: 24, seed: 1, size: 16 });
const parts: Record<string, ImageDataset> = { test: images };

function newRun(seed: number, events: TrainingEvents = {}, changes: Partial<typeof config> = {}): TrainingRun {
  const model = new ResNet({ depth: 8, width: 2 }).initialize(seed);
  const changed = { ...config, ...changes };
  return {
    model,
    optimizer: createOptimizer(model, changed),
    images,
    evaluated: parts,
    preprocessing,
    config: changed,
    seed,
    events,
  };
}

async function bytesOf({ model, optimizer }: TrainingRun): Promise<Record<'model' | 'optimizer', Uint8Array>> {
  return {
    model: encodeSafetensors(await tensorsToData(model.stateDict())),
    optimizer: encodeSafetensors(await tensorsToData(optimizer.stateDict())),
  };
}

function disposeRun({ model, optimizer }: TrainingRun): void {
  model.dispose();
  optimizer.dispose();
}

describe('train', () => {
  beforeAll(async () => {
    await useBackend('onnx');
  });

  it('logs, evaluates and saves at the planned steps', async () => {
    const logged: number[] = [];
    const evaluated: number[] = [];
    const saved: number[] = [];
    const run = newRun(1, {
      onLoss: (step) => void logged.push(step),
      onEvaluation: (step) => void evaluated.push(step),
      onStep: (step, due) => {
        if (due) saved.push(step);
        return false;
      },
    });
    expect(await train(run)).toBe(10);
    expect(logged).toEqual([2, 4, 6, 8, 10]);
    expect(evaluated).toEqual([5, 10]);
    expect(saved).toEqual([4, 8, 10]);
    disposeRun(run);
  });

  it.each([0, 1])(
    'with MixUp of α = %i: stopped and continued, is the run that never stopped, bit for bit',
    async (mixUp) => {
      const whole = newRun(7, {}, { mixUp });
      await train(whole);
      const stopped = newRun(7, { onStep: (step) => step === 7 }, { mixUp });
      expect(await train(stopped)).toBe(7);
      const files = await bytesOf(stopped);

      const continued = newRun(99, {}, { mixUp }); // Other weights: everything must come from the files.
      continued.model.loadStateDict(dataToTensors(decodeSafetensors(files.model).tensors));
      continued.optimizer.loadStateDict(dataToTensors(decodeSafetensors(files.optimizer).tensors));
      await train({ ...continued, seed: 7, startStep: 7 });
      expect(await bytesOf(continued)).toEqual(await bytesOf(whole));
      [whole, stopped, continued].forEach(disposeRun);
    },
  );

  it('learns: the loss falls on its own images', async () => {
    const losses: number[] = [];
    const events: TrainingEvents = { onEvaluation: (_step, { test }) => void losses.push(test!.loss) };
    const run = newRun(3, events, { steps: 60, evaluateEvery: 20, augmentation: 'none', batchSize: 12 });
    await train(run);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    disposeRun(run);
  });

  it('reports a loss that is not finite at once', async () => {
    const run = newRun(1, {
      onLoss: (step, loss) => {
        if (!Number.isFinite(loss)) throw new Error(`seen at step ${step}`);
      },
    });
    (run.model as ResNet).head.weight.assign(tf.fill([8, 10], Number.NaN));
    await expect(train(run)).rejects.toThrow('seen at step 1');
    disposeRun(run);
  });

  it('leaks nothing but its model and optimizer', async () => {
    const run = newRun(1, {}, { mixUp: 0.4 });
    const before = tf.memory().numTensors;
    await train(run);
    expect(tf.memory().numTensors).toBe(before);
    disposeRun(run);
  });
});

describe('evaluate', () => {
  it('uses the running estimates of batch norm, counts every image once, and leaves the mode alone', async () => {
    await useBackend('cpu');
    const { model, optimizer } = newRun(5);
    model.train();
    const step = createEvaluateStep(model);
    const whole = await evaluate(model, step, images, preprocessing, 24);
    const inParts = await evaluate(model, step, images, preprocessing, 7); // The last part is smaller.
    expect(inParts.loss).toBeCloseTo(whole.loss, 5);
    expect(inParts.accuracy).toBe(whole.accuracy);
    expect(model.training).toBe(true);
    model.dispose();
    optimizer.dispose();
  });
});

describe('the recipe', () => {
  it('of the paper divides the rate by 10 at 32,000 and 48,000 updates', () => {
    const schedule = learningRateSchedule(v.parse(trainingSchema, {}));
    const rates = [0, 31_999, 32_000, 47_999, 48_000, 63_999].map((step) => Number(schedule(step).toFixed(6)));
    expect(rates).toEqual([0.1, 0.1, 0.01, 0.01, 0.001, 0.001]);
  });

  it('pads by 4 after the normalisation, so that the border is the mean', () => {
    expect(augmentationOf(v.parse(trainingSchema, {}), preprocessing).map(({ kind }) => kind)).toEqual([
      'normalize',
      'padAndCrop',
      'flip',
    ]);
    expect(augmentationOf({ ...config, augmentation: 'none' }, preprocessing)).toHaveLength(1);
  });
});

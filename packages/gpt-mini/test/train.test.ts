import { tf, useBackend } from '@milestones/backend';
import { decodeSafetensors, encodeSafetensors, dataToTensors, tensorsToData } from '@milestones/core';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createEvaluateStep,
  createOptimizer,
  evaluate,
  Gpt,
  learningRateSchedule,
  train,
  trainingSchema,
  type TrainingEvents,
  type TrainingRun,
} from '../src/index.ts';

const options = { vocabularySize: 4, contextLength: 4, features: 8, layers: 1, heads: 2, dropout: 0.1 } as const;
const config = v.parse(trainingSchema, {
  steps: 12,
  batchSize: 2,
  learningRate: 1e-2,
  warmupSteps: 3,
  evaluateEvery: 5,
  evaluateAlsoAt: [2],
  evaluationBatches: 2,
  checkpointEvery: 4,
  logEvery: 2,
});
const text = Int32Array.from({ length: 400 }, (_, index) => (index * index + (index >> 2)) % 4);
const data = { train: text.subarray(0, 300), validation: text.subarray(300) };

function newRun(seed: number, events: TrainingEvents = {}): TrainingRun {
  const model = new Gpt(options).initialize(seed);
  return { model, optimizer: createOptimizer(model, config), data, config, seed, events };
}

async function bytesOf(run: TrainingRun): Promise<Record<'model' | 'optimizer', Uint8Array>> {
  return {
    model: encodeSafetensors(await tensorsToData(run.model.stateDict())),
    optimizer: encodeSafetensors(await tensorsToData(run.optimizer.stateDict())),
  };
}

describe.each(['cpu', 'onnx'] as const)('train on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
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
    expect(await train(run)).toBe(12);
    expect(logged).toEqual([2, 4, 6, 8, 10, 12]);
    expect(evaluated).toEqual([0, 2, 5, 10, 12]);
    expect(saved).toEqual([4, 8, 12]);
  });

  it('stopped after any step and continued, is the run that never stopped, bit for bit', async () => {
    const whole = newRun(7);
    await train(whole);
    const stopped = newRun(7, { onStep: (step) => step === 5 });
    expect(await train(stopped)).toBe(5);
    const files = await bytesOf(stopped);

    const continued = newRun(99); // Other weights: everything must come from the files.
    continued.model.loadStateDict(dataToTensors(decodeSafetensors(files.model).tensors));
    continued.optimizer.loadStateDict(dataToTensors(decodeSafetensors(files.optimizer).tensors));
    await train({ ...continued, seed: 7, startStep: 5 });
    expect(await bytesOf(continued)).toEqual(await bytesOf(whole));
  });

  it('differs between seeds', async () => {
    const [one, two] = [newRun(1), newRun(2)];
    await train(one);
    await train(two);
    expect((await bytesOf(one)).model).not.toEqual((await bytesOf(two)).model);
  });

  it('lowers the loss', async () => {
    const losses: number[] = [];
    const long = v.parse(trainingSchema, { ...config, steps: 80, batchSize: 8 });
    await train({
      ...newRun(3, { onEvaluation: (_step, { trainLoss }) => void losses.push(trainLoss) }),
      config: long,
    });
    expect(losses[0]).toBeGreaterThan(1.2); // About ln 4 = 1.386: an untrained model guesses.
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.2);
  });

  it('reports a loss that is not finite at once', async () => {
    const run = newRun(1, {
      onLoss: (step, loss) => {
        if (!Number.isFinite(loss)) throw new Error(`seen at step ${step}`);
      },
    });
    run.model.tokenEmbedding.weight.assign(tf.fill([4, 8], Number.NaN));
    await expect(train(run)).rejects.toThrow('seen at step 1');
  });

  it('leaks nothing but its model and optimizer', async () => {
    const run = newRun(1);
    const before = tf.memory().numTensors;
    await train(run);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each(['cpu', 'onnx'] as const)('evaluate on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
  });

  it('depends on the step, not on how often it was asked, and leaves the mode alone', async () => {
    const run = newRun(5);
    run.model.train();
    const step = createEvaluateStep(run.model);
    const first = await evaluate(run, step, 3);
    expect(await evaluate(run, step, 3)).toEqual(first);
    expect(await evaluate(run, step, 4)).not.toEqual(first);
    expect(run.model.training).toBe(true);
  });
});

describe('learningRateSchedule', () => {
  it('is constant, or warms up and follows the cosine down', () => {
    expect(learningRateSchedule({ ...config, schedule: 'constant' })(11)).toBe(1e-2);
    const cosine = learningRateSchedule({ ...config, steps: 103, minimumLearningRate: 1e-3 });
    expect(cosine(0)).toBeCloseTo(0.0025, 10);
    expect(cosine(3)).toBeCloseTo(0.01, 10);
    expect(cosine(53)).toBeCloseTo(0.0055, 10);
    expect(cosine(103)).toBeCloseTo(0.001, 10);
  });
});

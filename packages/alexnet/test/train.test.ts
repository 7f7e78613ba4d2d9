import { tf, useBackend } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  Dense,
  Dropout,
  encodeSafetensors,
  Module,
  tensorsToData,
  type RandomKey,
} from '@milestones/core';
import { evaluationBatches, generateShapes, ImageBatches, type ImageDataset } from '@milestones/datasets';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  augmentationOf,
  CifarNet,
  createEvaluateStep,
  evaluate,
  GroupedDescent,
  learningRateSchedule,
  train,
  trainingSchema,
  type Classifier,
  type TrainingConfig,
  type TrainingEvents,
  type TrainingRun,
} from '../src/index.ts';

const config = v.parse(trainingSchema, {
  steps: 6,
  batchSize: 4,
  learningRate: 0.01,
  schedule: 'cosine',
  warmupSteps: 2,
  weightDecay: 0.001,
  classifierDecay: 0.01,
  evaluateEvery: 3,
  evaluationBatch: 8,
  checkpointEvery: 2,
  logEvery: 2,
});
const preprocessing = { size: 32, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
const images = generateShapes({ count: 24, seed: 1 });

/** A network with dropout that is small: a run's random numbers must go on where they stopped, too. */
class WithDropout extends Module {
  readonly classes = 10;
  readonly hidden = new Dense(32 * 32 * 3, 8);
  readonly dropout = new Dropout(0.5);
  readonly head = new Dense(8, 10);

  forward(x: tf.Tensor4D, key?: RandomKey): tf.Tensor2D {
    const hidden = this.hidden.forward(tf.reshape(x, [x.shape[0], -1])); // [B, 8]
    return this.head.forward(this.dropout.forward(tf.relu(hidden), key?.fold('only'))) as tf.Tensor2D;
  }
}

function newRun(
  model: Classifier,
  seed: number,
  events: TrainingEvents = {},
  changes: Partial<TrainingConfig> = {},
): TrainingRun {
  const changed = { ...config, ...changes };
  model.initialize(seed);
  const optimizer = new GroupedDescent(model, changed);
  return { model, optimizer, images, evaluated: { train: images }, preprocessing, config: changed, seed, events };
}

const cifarNet = (): CifarNet => new CifarNet({ initialization: 'fanIn' });

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
    const seen = { logged: [] as number[], evaluated: [] as number[], saved: [] as number[] };
    const run = newRun(new WithDropout(), 1, {
      onLoss: (step) => void seen.logged.push(step),
      onEvaluation: (step) => void seen.evaluated.push(step),
      onStep: (step, due) => {
        if (due) seen.saved.push(step);
        return false;
      },
    });
    expect(await train(run)).toBe(6);
    expect(seen).toEqual({ logged: [2, 4, 6], evaluated: [3, 6], saved: [2, 4, 6] });
    disposeRun(run);
  });

  it('ends at the first evaluation that finds the training error to stop at, and saves there', async () => {
    const ends: number[] = [];
    const events: TrainingEvents = {
      onStep: (step, due, ended) => {
        if (ended && due) ends.push(step);
        return false;
      },
    };
    const run = newRun(new WithDropout(), 1, events, { stopAtTrainError: 100 });
    expect(await train(run)).toBe(3);
    expect(ends).toEqual([3]);
    disposeRun(run);
  });

  it.each([
    ['the companion net', 'none', cifarNet],
    ['a net with dropout', 'flip', () => new WithDropout()],
  ] as const)(
    '%s: stopped and continued, is the run that never stopped, bit for bit',
    async (_, augmentation, build) => {
      const whole = newRun(build(), 7, {}, { augmentation });
      await train(whole);
      const stopped = newRun(build(), 7, { onStep: (step) => step === 4 }, { augmentation });
      expect(await train(stopped)).toBe(4);
      const files = await bytesOf(stopped);

      const continued = newRun(build(), 99, {}, { augmentation }); // Other weights: everything must come from the files.
      continued.model.loadStateDict(dataToTensors(decodeSafetensors(files.model).tensors));
      continued.optimizer.loadStateDict(dataToTensors(decodeSafetensors(files.optimizer).tensors));
      await train({ ...continued, seed: 7, startStep: 4 });
      expect(await bytesOf(continued)).toEqual(await bytesOf(whole));
      [whole, stopped, continued].forEach(disposeRun);
    },
  );

  it('learns: the loss falls on its own images', async () => {
    const losses: number[] = [];
    const run = newRun(
      cifarNet(),
      3,
      { onEvaluation: (_step, scores) => void losses.push(scores['train']!.loss) },
      { steps: 30, evaluateEvery: 10, batchSize: 12 },
    );
    await train(run);
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(0.8 * losses[0]!);
    disposeRun(run);
  });

  it('reports a loss that is not finite at once', async () => {
    const run = newRun(new WithDropout(), 1, {
      onLoss: (step, loss) => {
        if (!Number.isFinite(loss)) throw new Error(`seen at step ${step}`);
      },
    });
    (run.model as WithDropout).head.weight.assign(tf.fill([8, 10], Number.NaN));
    await expect(train(run)).rejects.toThrow('seen at step 1');
    disposeRun(run);
  });

  it('leaks nothing but its model and optimizer', async () => {
    const run = newRun(cifarNet(), 1);
    const before = tf.memory().numTensors;
    await train(run);
    expect(tf.memory().numTensors).toBe(before);
    disposeRun(run);
  });
});

describe('evaluate', () => {
  it('counts every image once, without dropout, and leaves the mode alone', async () => {
    await useBackend('cpu');
    const { model, optimizer } = newRun(new WithDropout(), 5);
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

  it('looks at the middle of images from which training cuts pieces', async () => {
    const large = generateShapes({ count: 2, seed: 1, size: 40 });
    const seen: number[][] = [];
    const { model, optimizer } = newRun(new WithDropout(), 5);
    const logits = model.forward.bind(model);
    model.forward = (x, key) => {
      seen.push(x.shape);
      return logits(x, key);
    };
    const cut = { ...preprocessing, size: 40, crop: 32 };
    await evaluate(model, createEvaluateStep(model), large, cut, 2);
    expect(seen).toEqual([[2, 32, 32, 3]]);
    model.dispose();
    optimizer.dispose();
  });
});

describe('GroupedDescent', () => {
  it('v ← μ v + ∂L/∂w + λ w, w ← w − ε v, with the decay and the rate of each kind of weight', async () => {
    await useBackend('cpu');
    const model = new CifarNet().initialize(1);
    const parameters = model.trainableParameters();
    for (const [, { value }] of parameters) value.assign(tf.ones(value.shape));
    const optimizer = new GroupedDescent(model, v.parse(trainingSchema, { momentum: 0.5 }));
    const gradients = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, tf.fill([...shape], 2)]));
    optimizer.update(gradients, tf.scalar(0.01));
    const valueOf = (name: string): number => parameters.get(name)!.value.dataSync()[0]!;
    expect(valueOf('convolutions.0.weight')).toBeCloseTo(1 - 0.01 * (2 + 0.004), 6);
    expect(valueOf('head.weight')).toBeCloseTo(1 - 0.01 * (2 + 1), 6);
    expect(valueOf('convolutions.2.bias')).toBeCloseTo(1 - 0.02 * 2, 6); // Twice the rate, no decay.
    optimizer.update(gradients, tf.scalar(0.01));
    expect(valueOf('head.bias')).toBeCloseTo(1 - 0.02 * 2 - 0.02 * (0.5 * 2 + 2), 6);
    model.dispose();
    optimizer.dispose();
  });
});

describe('the recipe', () => {
  it('of the layer files divides the rate by 10 for the last 20 epochs, twice', () => {
    const schedule = learningRateSchedule(v.parse(trainingSchema, {}));
    const rates = [0, 46_799, 46_800, 50_699, 50_700, 54_599].map((step) => Number(schedule(step).toFixed(7)));
    expect(rates).toEqual([0.001, 0.001, 0.0001, 0.0001, 0.00001, 0.00001]);
  });

  it('of the paper cuts pieces and changes colours before the mean is subtracted', () => {
    const kinds = (augmentation: TrainingConfig['augmentation']): string[] =>
      augmentationOf({ ...config, augmentation }, preprocessing, 28).map(({ kind }) => kind);
    expect(kinds('paper')).toEqual(['randomCrop', 'colorPca', 'flip', 'normalize']);
    expect(kinds('flip')).toEqual(['flip', 'normalize']);
    expect(kinds('none')).toEqual(['normalize']);
  });

  it('of the paper moves all pixels of an image by the same colour, other images by another', async () => {
    const side = 8;
    const colors = [40, 90, 140, 190].map((level) => [level, 255 - level, (7 * level) % 256]);
    const flat: ImageDataset = {
      name: 'flat colours',
      images: Uint8Array.from(colors.flatMap((color) => Array.from({ length: side * side }, () => color).flat())),
      labels: Uint8Array.of(0, 1, 2, 3),
      count: 4,
      height: side,
      width: side,
      channels: 3,
      classNames: ['a', 'b', 'c', 'd'],
    };
    const asItIs = { size: side, mean: [0, 0, 0], deviation: [1, 1, 1] };
    const augmentation = augmentationOf({ ...config, augmentation: 'paper' }, asItIs, 7);
    const batches = new ImageBatches({
      dataset: flat,
      batchSize: 4,
      seed: 1,
      augmentation,
      shuffle: false,
      workers: 0,
    });
    const batch = await batches.next();
    await batches.dispose();
    const [plain] = evaluationBatches(flat, 4, [{ kind: 'centerCrop', size: 7 }]);
    expect(batch.shape).toEqual([4, 7, 7, 3]);
    const shifts = colors.map((_, image) => {
      const moved = Array.from({ length: 7 * 7 * 3 }, (__, index) => {
        const place = image * 7 * 7 * 3 + index;
        return Number((batch.images[place]! - plain!.images[place]!).toFixed(5));
      });
      const shift = moved.slice(0, 3);
      expect(moved).toEqual(Array.from({ length: 7 * 7 }, () => shift).flat());
      return shift.join();
    });
    expect(new Set(shifts).size).toBe(4);
  });
});

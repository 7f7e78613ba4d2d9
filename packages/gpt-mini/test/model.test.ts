import { readFileSync } from 'node:fs';
import { tf, useBackend } from '@milestones/backend';
import { AdamW, decayMatrices, valueAndGradients, type Parameter } from '@milestones/core';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createTrainStep,
  disposeCache,
  Gpt,
  languageModelLoss,
  sizes,
  trainingSchema,
  type GptOptions,
} from '../src/index.ts';

interface Numbers {
  shape: number[];
  values: number[];
}

interface Reference {
  config: GptOptions;
  tokens: number[][];
  targets: number[][];
  weights: Record<string, Numbers>;
  logits: Numbers;
  loss: number;
  gradients: Record<string, Numbers>;
  losses: number[];
}

const references = JSON.parse(readFileSync(new URL('./fixtures/gpt.json', import.meta.url), 'utf8')) as Record<
  string,
  Reference
>;

function modelOf({ config, weights }: Reference): Gpt {
  const initialization = 'fanIn';
  const model = new Gpt({ ...config, initialization });
  const state = Object.fromEntries(
    Object.entries(weights).map(([name, { values, shape }]) => [name, tf.tensor(values, shape)]),
  );
  model.loadStateDict(state);
  tf.dispose(state);
  return model;
}

function tensorsOf({ tokens, targets }: Reference): [tf.Tensor2D, tf.Tensor2D] {
  return [tf.tensor2d(tokens, undefined, 'int32'), tf.tensor2d(targets, undefined, 'int32')];
}

function largestDifference(actual: tf.Tensor, expected: Numbers): number {
  expect(actual.shape).toEqual(expected.shape);
  const values = actual.dataSync();
  return expected.values.reduce((worst, value, index) => Math.max(worst, Math.abs(value - values[index]!)), 0);
}

describe.each(['cpu', 'wasm', 'onnx'] as const)('Gpt against an independent PyTorch model, on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
  });

  it.each(Object.entries(references))('%s: logits, loss and every gradient', (_name, reference) => {
    const model = modelOf(reference).eval();
    const [tokens, targets] = tensorsOf(reference);
    expect(largestDifference(model.forward(tokens), reference.logits)).toBeLessThan(1e-5);
    const parameters = model.trainableParameters();
    const { value, gradients } = valueAndGradients(() => languageModelLoss(model, tokens, targets), parameters);
    expect(Math.abs(value.dataSync()[0]! - reference.loss)).toBeLessThan(1e-5);
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(reference.gradients).sort());
    for (const [name, gradient] of Object.entries(gradients)) {
      expect(largestDifference(gradient, reference.gradients[name]!), name).toBeLessThan(1e-5);
    }
    model.dispose();
  });

  it.each(Object.entries(references))('%s: ten training steps follow the same losses', async (_name, reference) => {
    const model = modelOf(reference).train();
    const [tokens, targets] = tensorsOf(reference);
    const optimizer = new AdamW({ beta1: 0.9, beta2: 0.99, weightDecay: 0.1, decay: decayMatrices });
    optimizer.initialize(model.trainableParameters());
    const step = createTrainStep(model, optimizer, v.parse(trainingSchema, { clipNorm: 1 }));
    const key = tf.tensor1d([0, 0], 'int32');
    const rate = tf.scalar(1e-2);
    for (const expected of reference.losses) {
      const { loss } = await step(tokens, targets, rate, key);
      // Adam divides by the gradient's own size, so rounding in tiny gradients grows from step to step.
      expect(Math.abs(loss.dataSync()[0]! - expected)).toBeLessThan(1e-4);
      loss.dispose();
    }
    model.dispose();
    optimizer.dispose();
  });

  it('computes the same logits from the key/value cache, token by token', () => {
    const reference = references['gpt2']!;
    const model = modelOf(reference).eval();
    const [tokens] = tensorsOf(reference);
    const whole = model.forward(tokens).dataSync();
    const cache = model.createCache();
    const [B, T] = tokens.shape;
    const V = model.config.vocabularySize;
    for (let t = 0; t < T; t++) {
      const logits = tf.tidy(() => model.forward(tf.slice(tokens, [0, t], [B, 1]), { cache }));
      const values = logits.dataSync();
      for (let b = 0; b < B; b++) {
        for (let id = 0; id < V; id++) expect(values[b * V + id]).toBeCloseTo(whole[(b * T + t) * V + id]!, 5);
      }
      logits.dispose();
    }
    disposeCache(cache);
    model.dispose();
  });

  it('leaks no tensor over 100 training steps with dropout', async () => {
    const model = new Gpt({
      ...sizes['lecture-small'],
      contextLength: 4,
      features: 8,
      layers: 1,
      heads: 2,
      dropout: 0.2,
    });
    model.initialize(1).train();
    const config = v.parse(trainingSchema, { clipNorm: 1 });
    const optimizer = new AdamW().initialize(model.trainableParameters());
    const step = createTrainStep(model, optimizer, config);
    const tokens = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4], 'int32');
    const rate = tf.scalar(1e-3);
    const run = async (index: number): Promise<void> => {
      const key = tf.tensor1d([1, index], 'int32');
      const { loss } = await step(tokens, tokens, rate, key);
      tf.dispose([key, loss]);
    };
    await run(0);
    const before = tf.memory().numTensors;
    for (let index = 1; index <= 100; index++) await run(index);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    optimizer.dispose();
  });
});

describe('Gpt', () => {
  it.each([
    ['lecture-small', 209_729],
    ['lecture-medium', 2_697_281],
    ['lecture-large', 10_788_929],
    ['nano-cpu', 804_096],
    ['nano-gpu', 10_745_088],
    ['gpt2', 124_439_808],
    ['gpt2-medium', 354_823_168],
    ['gpt2-large', 774_030_080],
    ['gpt2-xl', 1_557_611_200],
  ] as const)('%s has %i weights, counted without allocating them', (size, count) => {
    const before = tf.memory().numBytes;
    expect(new Gpt(size).parameterCount()).toBe(count);
    expect(tf.memory().numBytes).toBe(before);
  });

  it('has the count of nanoGPT 124M, bias-free with a padded vocabulary', () => {
    expect(new Gpt({ vocabularySize: 50304, bias: false, attentionBias: false }).parameterCount()).toBe(124_373_760);
  });

  it('scales the projections that write to the residual stream by 1/√(2 · layers)', () => {
    const model = new Gpt({ ...sizes['nano-cpu'], layers: 8, features: 64 }).initialize(3);
    const deviation = (parameter: Parameter): number =>
      tf.tidy(() => tf.sqrt(tf.mean(tf.square(parameter.value))).dataSync()[0]!);
    const block = model.blocks[5]!;
    expect(deviation(block.attention.query.weight) / 0.02).toBeCloseTo(1, 1);
    expect(deviation(block.attention.output.weight) / (0.02 / 4)).toBeCloseTo(1, 1);
    expect(deviation(block.feedForward.contract.weight) / (0.02 / 4)).toBeCloseTo(1, 1);
    model.dispose();
  });

  it.each([
    [
      { features: 130, heads: 4 },
      'features: 130 features do not divide by 4 heads; choose a multiple of 4, for example 128 or 132',
    ],
    [{ headBias: true }, 'headBias: an output layer that shares the embedding has no bias'],
    [{ layers: 0 }, 'layers: '],
    [{ width: 3 }, 'width'],
  ])('refuses %j with the remedy', (options, message) => {
    expect(() => new Gpt(options as GptOptions)).toThrow(message);
  });

  it('names the sizes there are when asked for another', () => {
    expect(() => new Gpt('gpt3' as 'gpt2')).toThrow(
      "there is no size 'gpt3'; there are: lecture-small, lecture-medium",
    );
  });

  it('refuses more tokens than its context', () => {
    const model = new Gpt({ ...sizes['lecture-small'], contextLength: 4 });
    expect(() => model.forward(tf.zeros([1, 5], 'int32'))).toThrow(
      '5 tokens arrived for a model of context length 4; give at most the last 4',
    );
  });
});

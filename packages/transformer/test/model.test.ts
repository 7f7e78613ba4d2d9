import { readFileSync } from 'node:fs';
import { tf, useBackend } from '@milestones/backend';
import { inverseSquareRootSchedule, paddingMask, RandomKey, valueAndGradients } from '@milestones/core';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  DecoderLayer,
  EncoderLayer,
  learningRateSchedule,
  trainingSchema,
  Transformer,
  transformerConfig,
  translationLoss,
  type TransformerOptions,
} from '../src/index.ts';
import { fillByFormula } from './formula-weights.ts';

interface Reference {
  layers: Record<string, { encoder: number[]; decoder: number[] }>;
  nets: Record<string, { logits: number[]; loss: number; gradients: Record<string, [number, number, number]> }>;
}

const reference = JSON.parse(
  readFileSync(new URL('./fixtures/transformer.json', import.meta.url), 'utf8'),
) as Reference;
const [B, S, T, C, V] = [2, 5, 4, 16, 11] as const;
const small = {
  sourceVocabulary: V,
  targetVocabulary: V,
  features: C,
  heads: 4,
  feedForward: 24,
  encoderLayers: 2,
  decoderLayers: 2,
  maximumLength: 12,
  dropout: 0,
} as const satisfies TransformerOptions;

const source = [
  [4, 5, 6, 7, 3],
  [8, 9, 3, 0, 0],
];
const target = [
  [2, 4, 9, 10, 3],
  [2, 5, 3, 0, 0],
];

beforeAll(async () => {
  await useBackend('cpu');
});

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...expected.map((value, index) => Math.abs(value - actual[index]!)));
  expect(worst).toBeLessThan(tolerance);
}

function tokens(rows: readonly (readonly number[])[]): tf.Tensor2D {
  return tf.tensor2d(
    rows.map((row) => [...row]),
    undefined,
    'int32',
  );
}

const lengths = (): tf.Tensor1D => tf.tensor1d([5, 3], 'int32');

describe.each(['post', 'pre'] as const)('%s-LN', (normalization) => {
  const config = transformerConfig({ ...small, normalization });
  const wave = (size: number, of: (k: number) => number): Float32Array =>
    Float32Array.from({ length: size }, (_, k) => of(k));

  it('layers equal PyTorch’s', () => {
    const x = tf.tensor3d(
      wave(B * S * C, (k) => Math.sin(0.9 * k)),
      [B, S, C],
    );
    const y = tf.tensor3d(
      wave(B * T * C, (k) => Math.cos(1.1 * k)),
      [B, T, C],
    );
    const mask = paddingMask(lengths(), S);
    const encoder = new EncoderLayer(config);
    const decoder = new DecoderLayer(config);
    fillByFormula(encoder);
    fillByFormula(decoder);
    const expected = reference.layers[normalization]!;
    expectClose(encoder.forward(x, mask).dataSync(), expected.encoder);
    expectClose(decoder.forward(y, x, mask).dataSync(), expected.decoder);
  });

  it('the whole net equals one made of PyTorch’s layers: logits, smoothed loss and every gradient', () => {
    const model = new Transformer(config).initialize(1);
    fillByFormula(model);
    const expected = reference.nets[normalization]!;
    const inputs = tokens(target.map((row) => row.slice(0, -1)));
    expectClose(model.forward(tokens(source), lengths(), inputs).dataSync(), expected.logits, 3e-5);
    const { value, gradients } = valueAndGradients(
      () => translationLoss(model, tokens(source), lengths(), tokens(target), { labelSmoothing: 0.1 }),
      model.trainableParameters(),
    );
    expect(value.dataSync()[0]).toBeCloseTo(expected.loss, 5);
    expect(Object.keys(gradients).toSorted()).toEqual(Object.keys(expected.gradients).toSorted());
    for (const [name, numbers] of Object.entries(expected.gradients)) {
      const flat = gradients[name]!.dataSync<'float32'>();
      const projected = flat.reduce((sum, each, k) => sum + each * Math.sin(0.7 * k), 0);
      expectClose([flat[0]!, flat.at(-1)!, projected], numbers, 3e-5);
    }
  });
});

describe('Transformer', () => {
  it('has the published numbers of weights', () => {
    const count = (options: ConstructorParameters<typeof Transformer>[0]) => new Transformer(options).parameterCount();
    expect(count('multi30k')).toBe(9_038_341);
    expect(count('base')).toBe(44_138_496 + 512 * 37_000);
    expect(count({ attentionBias: false })).toBe(44_101_632 + 512 * 37_000);
    expect(count({ sourceVocabulary: 32_000, targetVocabulary: 32_000, attentionBias: false })).toBe(
      44_101_632 + 512 * 32_000,
    );
    expect(count('big')).toBe(176_357_376 + 1024 * 37_000);
    expect(count('tiny')).toBe(2_638_336);
  });

  it('sees neither padding nor the future', () => {
    const model = new Transformer(small).initialize(3).eval();
    const inputs = [
      [2, 4, 9, 10],
      [2, 5, 7, 8],
    ];
    const logits = (from: number[][], to: number[][]) => model.forward(tokens(from), lengths(), tokens(to)).arraySync();
    const before = logits(source, inputs);
    const padded = logits([source[0]!, [8, 9, 3, 10, 6]], inputs);
    expect(padded).toEqual(before);
    for (let changed = 1; changed < 4; changed++) {
      const after = logits(source, [inputs[0]!.with(changed, 6), inputs[1]!]);
      expect(after[0]!.slice(0, changed)).toEqual(before[0]!.slice(0, changed));
      expect(after[0]!.slice(changed)).not.toEqual(before[0]!.slice(changed));
      expect(after[1]).toEqual(before[1]);
    }
    // The words that count do count.
    expect(logits([source[0]!, [8, 10, 3, 0, 0]], inputs)[1]).not.toEqual(before[1]);
  });

  it('does not count padding in the loss', () => {
    const model = new Transformer(small).initialize(3).eval();
    const loss = (to: number[][]) =>
      translationLoss(model, tokens(source), lengths(), tokens(to), { labelSmoothing: 0.1 }).dataSync()[0]!;
    expect(loss(target.map((row) => [...row, 0, 0]))).toBeCloseTo(loss(target), 5);
  });

  it('drops with noise of its key, in training mode alone', () => {
    const dropping = { ...small, dropout: 0.5, attentionDropout: 0.2, activationDropout: 0.2 };
    const model = new Transformer(dropping).initialize(3);
    const inputs = tokens(target);
    const logits = (seed?: number) => {
      const key = seed === undefined ? undefined : new RandomKey(tf.tensor1d([seed, 1], 'int32'));
      return [...model.forward(tokens(source), lengths(), inputs, key).dataSync()];
    };
    expect(logits(1)).toEqual(logits(1));
    expect(logits(1)).not.toEqual(logits(2));
    expect(() => logits()).toThrow('got no random key');
    model.eval();
    expect(logits()).toEqual(logits(1));
  });

  it('shares tables as configured', () => {
    const names = (options: TransformerOptions) =>
      [...new Transformer({ ...small, ...options }).trainableParameters().keys()].filter(
        (name) => !/^(en|de)coder/.test(name),
      );
    expect(names({})).toEqual(['sourceEmbedding.tokens.weight']);
    expect(names({ shareEmbeddings: 'target', outputBias: true })).toEqual([
      'sourceEmbedding.tokens.weight',
      'targetEmbedding.tokens.weight',
      'outputBias',
    ]);
    expect(names({ shareEmbeddings: 'none', positions: 'learned', outputBias: true })).toEqual([
      'sourceEmbedding.tokens.weight',
      'sourceEmbedding.positions',
      'targetEmbedding.tokens.weight',
      'targetEmbedding.positions',
      'head.weight',
      'head.bias',
    ]);
  });

  it.each([
    [{ features: 130, heads: 4 }, 'choose a multiple of 4, for example 128 or 132'],
    [{ sourceVocabulary: 10, targetVocabulary: 12 }, 'set shareEmbeddings to target or none'],
  ])('%j is refused, with what to do', (options, remedy) => {
    expect(() => new Transformer(options)).toThrow(remedy);
  });

  it('names an unknown size and a sentence that is too long', () => {
    expect(() => new Transformer('huge' as 'big')).toThrow('there are: base, big');
    const model = new Transformer(small).initialize(1).eval();
    const long = tokens([Array.from({ length: 13 }, () => 4)]);
    expect(() => model.forward(long, tf.tensor1d([13], 'int32'), long)).toThrow(
      '13 tokens arrived for a model of at most 12',
    );
  });
});

describe('learningRateSchedule', () => {
  it('is equation 3', () => {
    const rate = learningRateSchedule(v.parse(trainingSchema, {}), 512);
    expect(rate(0)).toBeCloseTo(1.74693e-7, 12);
    expect(rate(3999)).toBeCloseTo(6.98771e-4, 9);
    expect(rate(15_999)).toBeCloseTo(rate(3999) / 2, 12);
    expect(rate(99)).toBe(inverseSquareRootSchedule({ features: 512, warmupSteps: 4000 })(99));
    expect(learningRateSchedule(v.parse(trainingSchema, { schedule: 'constant', learningRate: 5e-4 }), 512)(7)).toBe(
      5e-4,
    );
  });
});

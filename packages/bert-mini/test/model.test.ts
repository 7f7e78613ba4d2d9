import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Bert, BertClassifier, BertForPretraining, maskTokens, sizes, type BertSize } from '../src/index.ts';
import { loadPretrained } from '../src/weights.ts';

const fixture = fileURLToPath(new URL('./fixtures/bert-tiny', import.meta.url));
type Outputs = Record<'pooled' | 'words' | 'sentence', number[]>;
const expected = JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8')) as {
  tokens: number[][];
  segments: number[][];
  lengths: number[];
  gelu: Outputs;
  geluTanh: Outputs;
};

it.each([
  ['tiny', 4_385_920],
  ['mini', 11_170_560],
  ['small', 28_763_648],
  ['medium', 41_373_184],
  ['base', 109_482_240],
  ['large', 335_141_888],
] as [BertSize, number][])('%s has %i weights', (size, count) => {
  expect(new Bert(size).parameterCount()).toBe(count);
});

it('counts the heads and the cased vocabulary as published', () => {
  expect(new BertClassifier('mini', ['no', 'yes']).parameterCount()).toBe(11_171_074);
  expect(new BertForPretraining('mini').parameterCount()).toBe(11_267_900);
  expect(new Bert({ ...sizes.base, vocabularySize: 28_996 }).parameterCount()).toBe(108_310_272);
});

describe.each(['cpu', 'wasm', 'onnx'] as const)('against an independent PyTorch model, on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
  });

  it.each(['gelu', 'geluTanh'] as const)(
    'pooled outputs, word and sentence logits agree with %s',
    async (activation) => {
      const { config, state } = await loadPretrained('BertForPretraining', fixture);
      const model = new BertForPretraining({ ...config, activation });
      model.loadStateDict(state);
      tf.dispose(state);
      model.eval();
      const before = tf.memory().numTensors;
      const outputs = tf.tidy(() => {
        const encoded = model.bert.forward({
          tokens: tf.tensor2d(expected.tokens, undefined, 'int32'),
          segments: tf.tensor2d(expected.segments, undefined, 'int32'),
          lengths: tf.tensor1d(expected.lengths, 'int32'),
        });
        return {
          pooled: [...model.bert.pool(encoded).dataSync()],
          words: [...model.wordLogits(encoded, tf.range(0, 27, 1, 'int32')).dataSync()],
          sentence: [...model.sentenceLogits(encoded).dataSync()],
        };
      });
      expect(tf.memory().numTensors).toBe(before);
      for (const part of ['pooled', 'words', 'sentence'] as const) {
        const wanted = expected[activation][part];
        expect(outputs[part].length).toBe(wanted.length);
        const worst = wanted.reduce((most, value, index) => Math.max(most, Math.abs(value - outputs[part][index]!)), 0);
        expect(worst, part).toBeLessThan(1e-5);
      }
      model.dispose();
    },
  );
});

describe('errors', () => {
  it('say what is wrong with an architecture or an input', async () => {
    await useBackend('cpu');
    expect(() => new Bert('huge' as BertSize)).toThrow("there is no size 'huge'; there are: tiny, mini");
    expect(() => new Bert({ features: 10, heads: 4 })).toThrow('10 features do not divide by 4 heads');
    expect(() => new BertClassifier('tiny', ['one'])).toThrow('give two or more names');
    const model = new Bert({ vocabularySize: 5, contextLength: 2, features: 4, heads: 1, layers: 1 }).initialize(1);
    expect(() => model.forward({ tokens: tf.zeros([1, 3], 'int32') })).toThrow(
      '3 tokens arrived for a model of at most 2',
    );
  });
});

describe('maskTokens', () => {
  const options = { rate: 0.15, most: 1000, mask: 4, vocabularySize: 50, isFixed: (id: number) => id < 5 };
  const ids = Int32Array.from({ length: 10_000 }, (_, index) => (index % 100 === 0 ? 2 : 5 + (index % 45)));

  it('hides 15 %: 80 % of them by [MASK], 10 % by others, 10 % not', () => {
    const { tokens, places, labels } = maskTokens(ids, new Random(1), { ...options, most: 10_000 });
    expect(places.length).toBe(1500);
    expect(new Set(places).size).toBe(1500);
    expect(places.every((place, index) => ids[place] === labels[index] && place % 100 !== 0)).toBe(true);
    const masked = places.filter((place) => tokens[place] === 4).length / places.length;
    const kept = places.filter((place) => tokens[place] === ids[place]).length / places.length;
    expect(masked).toBeGreaterThan(0.77);
    expect(masked).toBeLessThan(0.83);
    expect(kept).toBeGreaterThan(0.08);
    expect(kept).toBeLessThan(0.13);
    const elsewhere = new Set(places);
    expect(tokens.every((id, place) => elsewhere.has(place) || id === ids[place])).toBe(true);
  });

  it('is the same for the same stream, capped, and leaves frames alone', () => {
    expect(maskTokens(ids, new Random(2), options)).toEqual(maskTokens(ids, new Random(2), options));
    expect(maskTokens(ids, new Random(2), options).places).not.toEqual(maskTokens(ids, new Random(3), options).places);
    expect(maskTokens(ids, new Random(2), { ...options, most: 7 }).places.length).toBe(7);
    expect(maskTokens(Int32Array.of(2, 3), new Random(2), options).places).toEqual([]);
    expect(maskTokens(Int32Array.of(2, 9, 3), new Random(2), options).labels).toEqual([9]);
  });
});

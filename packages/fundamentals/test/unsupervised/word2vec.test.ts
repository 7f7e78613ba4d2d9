import { tf, useBackend } from '@milestones/backend';
import { Random } from '@milestones/core';
import { generateAnalogies } from '@milestones/datasets';
import { beforeAll, describe, expect, it } from 'vitest';
import { SkipGrams, WordSpace } from '../../src/unsupervised/skip-grams.ts';
import { word2vec, WordVectors } from '../../src/unsupervised/word2vec.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

const sentences = [
  ['a', 'b', 'c'],
  ['a', 'a', 'a', 'a', 'd'],
];
const options = { window: 1, frequent: 1, random: new Random(1) };

describe('SkipGrams', () => {
  it('numbers words by how often they are there', () => {
    const text = new SkipGrams(sentences, options);
    expect(text.words).toEqual(['a', 'b', 'c', 'd']);
    expect(text.numberOf('d')).toBe(3);
    expect(text.numberOf('e')).toBeUndefined();
    expect(text.length).toBe(8);
    expect(new SkipGrams(sentences, { ...options, vocabulary: 2 }).words).toEqual(['a', 'b']);
  });

  it('draws neighbours within the window and the sentence alone', () => {
    const { word, others } = new SkipGrams(sentences, options).draw(500, 2, new Random(2));
    const pairs = new Set(Array.from(word, (center, index) => `${center} ${others[3 * index]}`));
    expect([...pairs].toSorted()).toEqual(['0 0', '0 1', '0 3', '1 0', '1 2', '2 1', '3 0']);
  });

  it('draws noise in proportion to count^¾', () => {
    const { others } = new SkipGrams(sentences, options).draw(4000, 4, new Random(3));
    const noise = [0, 0, 0, 0];
    others.forEach((other, index) => {
      if (index % 5 > 0) noise[other]! += 1 / 16_000;
    });
    const total = 5 ** 0.75 + 3;
    noise.forEach((share, word) => expect(share).toBeCloseTo((word === 0 ? 5 ** 0.75 : 1) / total, 1));
  });

  it('thins out frequent words', () => {
    const long = Array.from({ length: 500 }, () => ['a', 'a', 'a', 'b']);
    const text = new SkipGrams(long, { ...options, frequent: 0.03 });
    // a stays with √(0.03 / 0.75) = 0.2, b with √(0.03 / 0.25) = 0.35
    expect(text.length / 500).toBeCloseTo(3 * 0.2 + 0.35, 1);
  });
});

describe('WordSpace', () => {
  const words = ['man', 'woman', 'king', 'queen', 'apple'];
  const space = new WordSpace(words, Float32Array.of(1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, -1, -1, 0));

  it('finds neighbours by angle, and solves analogies', () => {
    expect(space.nearest(space.at('man'), 2, ['man'])).toEqual(['woman', 'king']);
    expect(space.analogy('man', 'woman', 'king')).toBe('queen');
    expect(Math.hypot(...space.at('queen'))).toBeCloseTo(1, 6);
    expect(() => space.at('pear')).toThrow('the text has no word "pear"');
  });
});

describe('word2vec', () => {
  it('begins at (k + 1) ln 2: vectors of company are zero', () => {
    tf.tidy(() => {
      const model = new WordVectors(10, 4).initialize(1);
      const loss = model.loss(
        tf.tensor1d([1, 2], 'int32'),
        tf.tensor2d(
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
          [2, 3],
          'int32',
        ),
      );
      expect(loss.dataSync()[0]).toBeCloseTo(3 * Math.LN2, 5);
      model.dispose();
    });
  });

  it('solves the planted analogies', async () => {
    expectClaims(word2vec, await runQuick(word2vec, { sentences: 4000, steps: 350 }));
    expect(new Set(generateAnalogies({ sentences: 5000 }).sentences.flat()).size).toBe(77);
  });
});

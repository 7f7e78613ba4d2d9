import { Random } from '@milestones/core';
import { describe, expect, it } from 'vitest';
import { choice, entropy, enumerate, meanLength, oneOf, sample, sequence } from '../../src/generated/grammar.ts';

const small = sequence(choice([0.75, 'a'], [0.25, sequence('bb', oneOf('c', 'd'))]), '.');

describe('a small grammar', () => {
  it('lists its texts with their probabilities', () => {
    expect(enumerate(small)).toEqual([
      ['a.', 0.75],
      ['bbc.', 0.125],
      ['bbd.', 0.125],
    ]);
  });

  it('knows its entropy and mean length', () => {
    expect(entropy(small)).toBeCloseTo(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.125), 12);
    expect(meanLength(small)).toBeCloseTo(0.75 * 2 + 0.25 * 4, 12);
  });

  it('draws each text as often as it should', () => {
    const random = new Random(3, 'test');
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 8000; draw++) {
      const text = sample(small, random);
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    // Five standard deviations of a binomial count.
    for (const [text, probability] of enumerate(small)) {
      const deviation = Math.sqrt(8000 * probability * (1 - probability));
      expect(Math.abs(counts.get(text)! - 8000 * probability)).toBeLessThan(5 * deviation);
    }
  });
});

it('refuses weights that do not sum to one', () => {
  expect(() => choice([0.5, 'a'], [0.4, 'b'])).toThrow('the weights 0.5, 0.4 arrived');
  expect(() => choice([1, 'a'], [0, 'b'])).toThrow('give numbers above 0 that sum to 1');
});

import { describe, expect, it } from 'vitest';
import { batchMeanPerplexity, type ScoredSentence } from '../src/batch-mean-perplexity.ts';

const sentence = (sourceLength: number, targetLength: number, loss: number, tokens = targetLength): ScoredSentence => ({
  sourceLength,
  targetLength,
  loss,
  tokens,
});

describe('batchMeanPerplexity', () => {
  it('gives every batch the same weight, however many tokens it has', () => {
    // Batches of two, short ones first: (1 + 2) / (2 + 2) and (30 + 10) / (10 + 10) per token.
    const scored = [sentence(9, 10, 30), sentence(2, 2, 1), sentence(10, 10, 10), sentence(2, 2, 2)];
    expect(batchMeanPerplexity(scored, 2)).toBeCloseTo(Math.exp((0.75 + 2) / 2), 12);
    const perToken = Math.exp(43 / 24);
    expect(Math.abs(batchMeanPerplexity(scored, 2) - perToken)).toBeGreaterThan(1);
  });

  it('is the perplexity per token where one batch holds all', () => {
    expect(batchMeanPerplexity([sentence(3, 4, 8), sentence(5, 6, 3)])).toBeCloseTo(Math.exp(11 / 10), 12);
  });

  it('sorts by the bits of both lengths in turn', () => {
    // Keys by hand: (1, 3) → 0b0111 = 7, (2, 1) → 0b1001 = 9, (3, 0) → 0b1010 = 10, (0, 4) → 0b010000 = 16.
    // Sorted so, the last is alone with its loss of 4 for one token; sorted by the source it would be the third.
    const scored = [sentence(0, 4, 4, 1), sentence(3, 0, 8, 4), sentence(1, 3, 0, 4), sentence(2, 1, 4, 4)];
    expect(batchMeanPerplexity(scored, 3)).toBeCloseTo(Math.exp((12 / 12 + 4 / 1) / 2), 12);
  });
});

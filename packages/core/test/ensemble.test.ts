import { describe, expect, it } from 'vitest';
import { ambiguityDecomposition, averagePredictions, Random } from '../src/index.ts';

describe('ensembles', () => {
  it('obey the ambiguity identity for any members and weights', () => {
    const random = new Random(1);
    const predictions = Array.from({ length: 4 }, () => random.normalArray(50));
    const targets = random.normalArray(50);
    for (const weights of [undefined, [0.1, 0.2, 0.3, 0.4], [0, 0, 1, 0]]) {
      const { ensembleError, memberError, ambiguity } = ambiguityDecomposition(predictions, targets, weights);
      expect(ensembleError).toBeCloseTo(memberError - ambiguity, 13);
      expect(ambiguity).toBeGreaterThanOrEqual(0);
    }
    expect(ambiguityDecomposition(predictions, targets, [0, 0, 1, 0]).ambiguity).toBe(0);
  });

  it('average by weight', () => {
    expect([
      ...averagePredictions([
        [1, 2],
        [3, 6],
      ]),
    ]).toEqual([2, 4]);
    expect([...averagePredictions([[1], [3]], [0.25, 0.75])]).toEqual([2.5]);
    expect(ambiguityDecomposition([[1], [3]], [2])).toEqual({ ensembleError: 0, memberError: 1, ambiguity: 1 });
  });

  it('refuse members that do not fit', () => {
    expect(() => averagePredictions([])).toThrow('predictions of no numbers arrived');
    expect(() => averagePredictions([[1], [1, 2]])).toThrow('predictions of 1, 2 numbers arrived');
    expect(() => averagePredictions([[1], [2]], [0.5, 0.6])).toThrow('with the sum 1');
    expect(() => ambiguityDecomposition([[1], [2]], [1, 2])).toThrow('2 targets arrived for predictions of 1 numbers');
  });
});

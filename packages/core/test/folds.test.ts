import { describe, expect, it } from 'vitest';
import { kFolds, Random, stratifiedFolds, type Fold } from '../src/index.ts';

function checkPartition(folds: Fold[], examples: number): void {
  const everyone = Array.from({ length: examples }, (_, index) => index);
  const validated = folds.flatMap(({ validation }) => [...validation]);
  expect(validated.toSorted((one, other) => one - other)).toEqual(everyone); // disjoint, and all covered
  for (const { train, validation } of folds) {
    expect([...train, ...validation].toSorted((one, other) => one - other)).toEqual(everyone);
  }
}

const spread = (counts: number[]): number => Math.max(...counts) - Math.min(...counts);

describe('cross-validation', () => {
  it('makes disjoint folds of nearly equal size that cover everything', () => {
    for (const [examples, count] of [
      [10, 3],
      [7, 7],
      [100, 10],
    ] as const) {
      const folds = kFolds(examples, count, new Random(1));
      expect(folds).toHaveLength(count);
      checkPartition(folds, examples);
      expect(spread(folds.map(({ validation }) => validation.length))).toBeLessThanOrEqual(1);
    }
    expect(kFolds(10, 3, new Random(1))).toEqual(kFolds(10, 3, new Random(1)));
    expect(kFolds(10, 3, new Random(1))).not.toEqual(kFolds(10, 3, new Random(2)));
  });

  it('spreads every class evenly, and the folds as well', () => {
    const random = new Random(3);
    for (let round = 0; round < 20; round++) {
      const labels = Array.from({ length: 30 + random.integer(60) }, () => random.categorical([1, 2, 3, 20, 0.3]));
      const count = 2 + random.integer(9);
      const folds = stratifiedFolds(labels, count, random);
      checkPartition(folds, labels.length);
      expect(spread(folds.map(({ validation }) => validation.length))).toBeLessThanOrEqual(1);
      for (const label of new Set(labels)) {
        const counts = folds.map(({ validation }) => [...validation].filter((each) => labels[each] === label).length);
        expect(spread(counts)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('refuses what cannot be dealt', () => {
    expect(() => kFolds(1, 2, new Random(1))).toThrow('1 examples arrived');
    expect(() => kFolds(5, 6, new Random(1))).toThrow('6 folds arrived for 5 examples; give 2 to 5');
    expect(() => stratifiedFolds([0, 1], 1, new Random(1))).toThrow('1 folds arrived');
    expect(() => stratifiedFolds([0, 0.5], 2, new Random(1))).toThrow('labels are whole numbers');
  });
});

import { Random } from '@milestones/core';
import { describe, expect, it } from 'vitest';
import { kFoldValidation, leaveOneOut, ridge } from '../../src/generalising/k-fold-validation.ts';
import { runQuick } from '../run-quick.ts';

describe('k-fold-validation', () => {
  it('leaves one out exactly, spreads the classes and comes near the test accuracy', async () => {
    const { metrics } = await runQuick(kFoldValidation, {
      trainImages: 200,
      testImages: 300,
      blocks: 4,
      leftOut: 40,
    });
    expect(metrics['leaveOneOutGap']).toBeLessThan(1e-9);
    expect(metrics['largestSpread']).toBeLessThanOrEqual(1);
    expect(Math.abs(metrics['estimateError']!)).toBeLessThan(4);
  });

  it('validates on one fold alone, so that a sweep over the folds is the cross-validation', async () => {
    const small = { trainImages: 60, testImages: 60, blocks: 3, leftOut: 10, folds: 2 };
    const { metrics } = await runQuick(kFoldValidation, small);
    const penalty = metrics['chosenPenalty']!;
    const alone = [0, 1].map((fold) => runQuick(kFoldValidation, { ...small, penalty, fold }));
    const [first, second] = (await Promise.all(alone)).map((outcome) => outcome.metrics['foldAccuracy']!);
    expect((first! + second!) / 2).toBeCloseTo(metrics['validationAccuracy']!, 9);
    await expect(runQuick(kFoldValidation, { ...small, fold: 2 })).rejects.toThrow('the 2 folds are 0 to 1');
  });

  it('leaves one out by residual / (1 − h), for any penalty', () => {
    const random = new Random(1);
    const draw = (columns: number): number[][] =>
      Array.from({ length: 12 }, () => Array.from(random.normalArray(columns)));
    const [inputs, targets] = [draw(4), draw(1)];
    for (const penalty of [1e-6, 1, 100]) {
      const { trained, closed } = leaveOneOut(inputs, targets, penalty);
      trained.forEach((error, index) => expect(error).toBeCloseTo(closed[index]!, 9));
    }
  });

  it('is least squares where the penalty vanishes', () => {
    const inputs = [
      [1, 0],
      [1, 1],
      [1, 2],
    ];
    const weights = ridge(inputs, [[1], [3], [5]], 1e-12);
    expect(weights[0]![0]).toBeCloseTo(1, 9);
    expect(weights[1]![0]).toBeCloseTo(2, 9);
  });
});

import { describe, expect, it } from 'vitest';
import { compareEvaluations, type Evaluation } from '../../src/node/compared-run.ts';

const evaluation = (step: number, validationPerplexity: number, validationAccuracy: number): Evaluation => ({
  step,
  validationLoss: Math.log(validationPerplexity),
  validationPerplexity,
  validationAccuracy,
});

describe('compareEvaluations', () => {
  const other = [evaluation(1, 9, 50), evaluation(2, 8, 60), evaluation(3, 4, 70), evaluation(4, 3, 71)];

  it('is the mean over the last evaluations, at the same steps', () => {
    const own = [evaluation(1, 90, 10), evaluation(2, 10, 61), evaluation(3, 6, 70.5)];
    const { perplexityRise, accuracyGain } = compareEvaluations(own, other, 2)!;
    expect(perplexityRise).toBeCloseTo((25 + 50) / 2, 10);
    expect(accuracyGain).toBeCloseTo(0.75, 10);
  });

  it('is nothing where the other run has no such step', () => {
    expect(compareEvaluations([evaluation(3, 6, 70), evaluation(7, 5, 72)], other, 2)).toBeUndefined();
  });
});

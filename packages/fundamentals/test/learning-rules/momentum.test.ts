import { describe, expect, it } from 'vitest';
import { descend, measuredRate, momentum } from '../../src/learning-rules/momentum.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

describe('momentum', () => {
  it('measures the rate of a geometric sequence', () => {
    expect(measuredRate(Array.from({ length: 101 }, (_, step) => 3 * 0.9 ** step))).toBeCloseTo(0.9, 12);
  });

  it('has the rate of theory for two eigenvalues, and none where the step is too long', () => {
    const plain = descend([1, 9], { rate: 2 / 10, momentum: 0, steps: 200 });
    expect(measuredRate(plain)).toBeCloseTo(0.8, 10);
    expect(measuredRate(descend([1, 9], { rate: 2.02 / 9, momentum: 0, steps: 200 }))).toBeGreaterThan(1);
  });

  it('agrees with theory at three condition numbers', async () => {
    expectClaims(momentum, await runQuick(momentum));
  });
});

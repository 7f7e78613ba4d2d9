import { describe, expect, it } from 'vitest';
import { newton, newtonStep } from '../../src/learning-rules/newton.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

describe('newton', () => {
  it('lands on the minimum of 2 x² + 3 y² − 4 x', () => {
    const quadratic = {
      gradient: ([x, y]: readonly number[]) => [4 * x! - 4, 6 * y!],
      hessian: () => [
        [4, 0],
        [0, 6],
      ],
    };
    expect(newtonStep(quadratic, [7, -5])).toEqual([1, 0]);
  });

  it('shows both claims', async () => {
    expectClaims(newton, await runQuick(newton));
  });
});

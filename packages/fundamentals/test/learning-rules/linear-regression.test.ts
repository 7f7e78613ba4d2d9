import { useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { closedForm, linearRegression, partialDerivatives } from '../../src/learning-rules/linear-regression.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('linear-regression', () => {
  // Three points by hand: x̄ = 1, ȳ = 2, Σ(x − x̄)(y − ȳ) = 3, Σ(x − x̄)² = 2.
  const points = { x: [0, 1, 2], y: [1, 1, 4] };

  it('has the line of least squares', () => {
    expect(closedForm(points)).toEqual({ w: 1.5, b: 0.5 });
  });

  it('has the two partial derivatives', () => {
    // At w = b = 0 the errors are −1, −1, −4: 2/3 · (−1 − 8) and 2/3 · (−6).
    const { w, b } = partialDerivatives(points, 0, 0);
    expect(w).toBeCloseTo(-6, 12);
    expect(b).toBeCloseTo(-4, 12);
  });

  it('descends to the closed form', async () => {
    expectClaims(linearRegression, await runQuick(linearRegression));
  });

  it('diverges beyond 2 / λmax', async () => {
    const { metrics } = await runQuick(linearRegression, { rateShare: 1.05 });
    expect(metrics['descentGap']).toBeGreaterThan(100);
  });
});

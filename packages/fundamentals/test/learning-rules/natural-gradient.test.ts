import { describe, expect, it } from 'vitest';
import { naturalGradient, velocity } from '../../src/learning-rules/natural-gradient.ts';
import { expectClaims, runQuick } from '../run-quick.ts';

describe('natural-gradient', () => {
  it('moves μ and σ by −F⁻¹∇L, however σ is written', () => {
    // At μ = 1, σ = 2, variance 9: ∂L/∂μ = 1/4, ∂L/∂σ = 1/2 − 10/8; times σ² = 4 and σ²/2 = 2.
    for (const name of ['itself', 'exponential', 'softplus'] as const) {
      const [mu, sigma] = velocity(name, true, 1, 2, 9);
      expect(mu).toBeCloseTo(-1, 12);
      expect(sigma).toBeCloseTo(1.5, 12);
    }
    expect(velocity('itself', false, 1, 2, 9)[1]).toBeCloseTo(0.75, 12);
    expect(velocity('exponential', false, 1, 2, 9)[1]).toBeCloseTo(3, 12);
  });

  it('shows the invariance', async () => {
    expectClaims(naturalGradient, await runQuick(naturalGradient));
  });
});

/** Beta-distributed numbers from uniform and normal ones. */
import type { Random } from './random.ts';

/**
 * A number from Beta(a, b): X / (X + Y) with X from Gamma(a) and Y from Gamma(b).
 *
 * In logarithms: with a and b below about 0.01, X and Y are often too small for a double, and their quotient would be NaN.
 */
export function drawBeta(random: Random, a: number, b: number): number {
  const difference = drawLogGamma(random, b) - drawLogGamma(random, a);
  return 1 / (1 + Math.exp(difference));
}

/**
 * The logarithm of a number from Gamma(shape, 1). Marsaglia and Tsang 2000, "A simple method for generating gamma
 * variables"; below 1, Gamma(shape) is Gamma(shape + 1) · U^(1 / shape).
 */
function drawLogGamma(random: Random, shape: number): number {
  const boost = shape < 1 ? Math.log(1 - random.uniform()) / shape : 0; // 1 − u is never 0.
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.uniform()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return Math.log(d * v) + boost;
  }
}

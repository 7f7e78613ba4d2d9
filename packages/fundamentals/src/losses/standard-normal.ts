/** The standard normal distribution on the host, to the precision of doubles. */

/** φ(x) = exp(−x² / 2) / √(2π) */
export function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** Φ(x) = ½ + φ(x) · (x + x³ / 3 + x⁵ / (3 · 5) + …), Marsaglia 2004; beyond ±8 it is 0 or 1. */
export function normalCumulative(x: number): number {
  if (Math.abs(x) > 8) return x < 0 ? 0 : 1;
  let sum = x;
  let term = x;
  for (let odd = 3; Math.abs(term) > 1e-17; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 + normalDensity(x) * sum;
}

/** Where `increasing` passes 0 between `low` and `high`, by halving the interval. */
export function findRoot(increasing: (x: number) => number, low: number, high: number): number {
  let [from, to] = [low, high];
  for (let halving = 0; halving < 200 && from < to; halving++) {
    const middle = (from + to) / 2;
    if (middle === from || middle === to) break;
    if (increasing(middle) < 0) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

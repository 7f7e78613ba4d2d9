import { describe, expect, it } from 'vitest';
import { Random } from '../../src/index.ts';

const draws = (a: number, b: number, count: number): number[] => {
  const random = new Random(7, `beta ${a} ${b}`);
  return Array.from({ length: count }, () => random.beta(a, b));
};

describe('Random.beta', () => {
  it.each([
    [1, 1],
    [0.2, 0.2],
    [0.4, 0.4],
    [2, 5],
    [0.5, 3],
    [20, 10],
  ])('has the mean and the variance of Beta(%d, %d)', (a, b) => {
    const count = 20_000;
    const values = draws(a, b, count);
    const mean = a / (a + b);
    const variance = (a * b) / ((a + b) ** 2 * (a + b + 1));
    const found = values.reduce((sum, value) => sum + value, 0) / count;
    const spread = values.reduce((sum, value) => sum + (value - found) ** 2, 0) / count;
    // Four standard errors of a mean.
    expect(Math.abs(found - mean)).toBeLessThan(4 * Math.sqrt(variance / count));
    expect(Math.abs(spread - variance)).toBeLessThan(0.04 * variance);
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it('is uniform for a = b = 1, and the arcsine distribution for a = b = 1/2', () => {
    const distributions = [
      [1, (x: number) => x],
      [0.5, (x: number) => (2 / Math.PI) * Math.asin(Math.sqrt(x))],
    ] as const;
    for (const [a, distribution] of distributions) {
      const values = draws(a, a, 20_000).sort((x, y) => x - y);
      // Kolmogorov and Smirnov: 1.95 / √n is passed once in a thousand times.
      const distance = Math.max(
        ...values.map((value, index) => Math.abs(distribution(value) - (index + 0.5) / values.length)),
      );
      expect(distance).toBeLessThan(1.95 / Math.sqrt(values.length));
    }
  });

  it('stays a number where both gamma variables are too small for a double', () => {
    const values = draws(1e-4, 1e-4, 1000);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(values.filter((value) => value > 0.5).length / 1000).toBeCloseTo(0.5, 1);
  });

  it('continues where a state was taken', () => {
    const random = new Random(3);
    random.beta(0.3, 0.7);
    const state = random.state();
    expect(Random.fromState(state).beta(0.2, 0.2)).toBe(random.beta(0.2, 0.2));
  });

  it.each([
    [0, 1],
    [1, -1],
    [Number.NaN, 1],
    [1, Infinity],
  ])('refuses %d and %d', (a, b) => {
    expect(() => new Random(1).beta(a, b)).toThrow(`Random.beta: a = ${a} and b = ${b} arrived`);
  });
});

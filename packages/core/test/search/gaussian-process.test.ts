import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/index.ts';
import { expectedImprovement } from '../../src/search.ts';
import { logExpectedImprovement } from '../../src/search/expected-improvement.ts';
import { GaussianProcess } from '../../src/search/gaussian-process.ts';
import { fitKernel, negativeLogPosterior } from '../../src/search/marginal-likelihood.ts';
import { pointsOf } from '../../src/search/matern.ts';
import { minimizeSmooth } from '../../src/search/minimize-smooth.ts';

const fixture = JSON.parse(readFileSync(new URL('../fixtures/search.json', import.meta.url), 'utf8')) as {
  points: number[][];
  values: number[];
  lengthScales: number[];
  noise: number;
  queries: number[][];
  mean: number;
  variance: number;
  predicted: number[];
  deviation: number[];
  negativeLogPosterior: number;
  improvements: [number, number, number, number][];
};
const points = pointsOf(fixture.points.map((row) => Float64Array.from(row)));
const values = Float64Array.from(fixture.values);
const categorical = [false, false, true];
const { lengthScales, noise } = fixture;
const kernel = { lengthScales, noise, categorical };
const logs = Float64Array.from([...lengthScales, noise], Math.log);

describe('expectedImprovement', () => {
  it('is 0.3989423 at the best value and 0.0833155 one deviation worse', () => {
    expect(expectedImprovement(0, 1, 0).toFixed(7)).toBe('0.3989423');
    expect(expectedImprovement(1, 1, 0).toFixed(7)).toBe('0.0833155');
  });

  it('agrees with the error function of another library', () => {
    for (const [mean, deviation, best, expected] of fixture.improvements) {
      // The fixture itself loses digits to cancellation where the improvement is small.
      const digits = expected < 1e-4 ? 1e-9 : 1e-13;
      expect(Math.abs(expectedImprovement(mean, deviation, best) / expected - 1)).toBeLessThan(digits);
    }
  });

  it('is the mean of max(best − Y, 0), by quadrature', () => {
    for (const [mean, deviation, best] of [
      [0.4, 1.5, 0],
      [-1, 0.3, -1.2],
    ] as const) {
      let sum = 0;
      for (let z = -12; z < 12; z += 1e-3) sum += Math.max(best - mean - deviation * z, 0) * Math.exp(-0.5 * z * z);
      expect(expectedImprovement(mean, deviation, best)).toBeCloseTo((sum * 1e-3) / Math.sqrt(2 * Math.PI), 6);
    }
  });

  it('is known where there is no doubt', () => {
    expect(expectedImprovement(1, 0, 3)).toBe(2);
    expect(expectedImprovement(3, 0, 1)).toBe(0);
    expect(logExpectedImprovement(3, 0, 1)).toBe(-Infinity);
  });

  it('has a logarithm that stays exact where it underflows, without a step between its formulas', () => {
    expect(logExpectedImprovement(50, 1, 0)).toBeCloseTo(
      -0.5 * 2500 - 0.5 * Math.log(2 * Math.PI) - 2 * Math.log(50),
      2,
    );
    for (const z of [1, 3, 1000]) {
      const step = 1e-6 * z;
      const slope = (logExpectedImprovement(z + step, 1, 0) - logExpectedImprovement(z - step, 1, 0)) / (2 * step);
      const before = (logExpectedImprovement(z - step, 1, 0) - logExpectedImprovement(z - 3 * step, 1, 0)) / (2 * step);
      expect(Math.abs(slope / before - 1)).toBeLessThan(1e-4);
    }
  });
});

describe('GaussianProcess', () => {
  it('has the mean, variance and predictions of NumPy', () => {
    const process = new GaussianProcess(points, values, kernel);
    expect(process.mean).toBeCloseTo(fixture.mean, 10);
    expect(process.variance).toBeCloseTo(fixture.variance, 10);
    fixture.queries.forEach((query, index) => {
      const { mean, deviation } = process.predict(query);
      expect(mean).toBeCloseTo(fixture.predicted[index]!, 9);
      expect(deviation).toBeCloseTo(fixture.deviation[index]!, 9);
      expect(process.predictMean(query)).toBe(mean);
    });
  });

  it('has the closed form of one value: the mean everywhere, and a deviation that grows to σ', () => {
    const one = new GaussianProcess(
      pointsOf([Float64Array.of(0.5)]),
      Float64Array.of(3),
      { lengthScales: [0.1], noise: 0, categorical: [false] },
      { mean: 2, variance: 4 },
    );
    expect(one.predict([0.5])).toEqual({ mean: 3, deviation: 0 });
    // At r = 1: k = (1 + √5 + 5/3)·e^(−√5).
    const k = (1 + Math.sqrt(5) + 5 / 3) * Math.exp(-Math.sqrt(5));
    expect(one.predict([0.6]).mean).toBeCloseTo(2 + k, 12);
    expect(one.predict([0.6]).deviation).toBeCloseTo(2 * Math.sqrt(1 - k * k), 12);
    expect(one.predict([9]).deviation).toBeCloseTo(2, 12);
  });

  it('goes through its values where there is next to no noise', () => {
    const process = new GaussianProcess(points, values, { lengthScales, noise: 1e-8, categorical });
    fixture.points.forEach((row, index) => {
      expect(process.predict(row).mean).toBeCloseTo(values[index]!, 5);
      expect(process.predict(row).deviation).toBeLessThan(1e-3);
    });
  });

  it('refuses the same point twice without noise', () => {
    const twice = pointsOf([Float64Array.of(0.5), Float64Array.of(0.5)]);
    const make = () =>
      new GaussianProcess(twice, Float64Array.of(1, 2), { lengthScales: [1], noise: 0, categorical: [false] });
    expect(make).toThrow(/2 points with noise 0 have no Cholesky factor; give more noise/);
  });
});

describe('the marginal likelihood', () => {
  it('is that of NumPy, and its gradient that of finite differences', () => {
    const { value, gradient } = negativeLogPosterior(points, values, categorical, logs);
    expect(value).toBeCloseTo(fixture.negativeLogPosterior, 9);
    gradient.forEach((slope, index) => {
      const at = (step: number) => {
        const moved = logs.slice();
        moved[index]! += step;
        return negativeLogPosterior(points, values, categorical, moved).value;
      };
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 6);
    });
  });

  it('finds out which settings a function depends on, and how noisy it is', () => {
    const random = new Random(3);
    const rows = Array.from({ length: 60 }, () => Float64Array.of(random.uniform(), random.uniform()));
    const wave = Float64Array.from(rows, ([x]) => Math.sin(12 * x!));
    const quiet = fitKernel(pointsOf(rows), wave, [false, false]);
    expect(quiet.lengthScales[1]! / quiet.lengthScales[0]!).toBeGreaterThan(5);
    expect(quiet.noise).toBeLessThan(1e-3);
    const noisy = fitKernel(
      pointsOf(rows),
      wave.map((value) => value + 0.5 * random.normal()),
      [false, false],
    );
    expect(noisy.noise).toBeGreaterThan(0.05);
  });
});

describe('minimizeSmooth', () => {
  it('finds the minimum of a narrow valley, and one at a bound', () => {
    const valley = ([x, y]: Float64Array) => ({
      value: (1 - x!) ** 2 + 5 * (y! - x! ** 2) ** 2,
      gradient: Float64Array.of(-2 * (1 - x!) - 20 * x! * (y! - x! ** 2), 10 * (y! - x! ** 2)),
    });
    const wide = { from: -5, to: 5 };
    const free = minimizeSmooth(valley, Float64Array.of(-1, 2), [wide, wide]);
    expect(free.point[0]).toBeCloseTo(1, 2);
    expect(free.point[1]).toBeCloseTo(1, 2);
    const bounded = minimizeSmooth(valley, Float64Array.of(-1, 2), [{ from: -5, to: 0.5 }, wide]);
    expect(bounded.point[0]).toBe(0.5);
    expect(bounded.point[1]).toBeCloseTo(0.25, 2);
  });
});

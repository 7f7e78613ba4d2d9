import { readFileSync } from 'node:fs';
import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { kMeansCenters, logSpaced, parzenLogLikelihood, ParzenWindow } from '../src/index.ts';

interface Fixture extends Record<'pixels' | 'sigmaImages' | 'sigma' | 'mean' | 'standardError', number> {
  samples: number[];
  validation: number[];
  test: number[];
  sigmas: number[];
  validationMeans: number[];
  narrow: number[];
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/parzen.json', import.meta.url), 'utf8')) as Fixture;
const { pixels, sigmaImages } = fixture;
const [samples, validation, test] = [fixture.samples, fixture.validation, fixture.test].map((values) =>
  Float32Array.from(values),
) as [Float32Array, Float32Array, Float32Array];

describe.each(['cpu', 'onnx'] as const)('the Parzen window on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
  });

  it('chooses the sigma, and scores mean and standard error, as NumPy does in double precision', async () => {
    const score = await parzenLogLikelihood(samples, validation, test, { pixels, sigmaImages });
    expect(score.sigma).toBeCloseTo(fixture.sigma, 10);
    expect(score.mean).toBeCloseTo(fixture.mean, 4);
    expect(score.standardError).toBeCloseTo(fixture.standardError, 4);
    expect(score.validation.map(({ sigma }) => sigma.toFixed(9))).toEqual(
      fixture.sigmas.map((sigma) => sigma.toFixed(9)),
    );
    for (const [index, { mean }] of score.validation.entries()) {
      expect(mean).toBeCloseTo(fixture.validationMeans[index]!, 3);
    }
    expect(score.atEdge).toBe(false);
  });

  it('does not underflow where every sample is far away, whatever the chunk', async () => {
    const window = new ParzenWindow(samples, pixels);
    const scores = await window.score(test, 0.01, 7);
    for (const [index, score] of scores.entries()) {
      expect(Math.abs(score / fixture.narrow[index]! - 1)).toBeLessThan(1e-4);
    }
    await window.dispose();
  });

  it('frees everything', async () => {
    const before = tf.memory().numTensors;
    await parzenLogLikelihood(samples, validation, test, { pixels, sigmaImages });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('bad input', () => {
  it.each([
    ['too few samples', samples.slice(0, 9 * pixels), test, {}, '9 samples arrived, too few for a density'],
    ['values below 0', samples.map((value) => 2 * value - 1), test, {}, 'pixels are numbers from 0 to 1'],
    ['test images in (−1, 1)', samples, test.map((value) => value - 1), {}, 'map (−1, 1) by (x + 1) / 2'],
    ['NaN', samples.map((value, index) => (index === 3 ? Number.NaN : value)), test, {}, 'the value NaN arrived'],
    ['half an image', samples.slice(0, -1), test, {}, 'whole images'],
    ['no test images', samples, test.slice(0, 0), {}, 'at least one image'],
    ['a range of one sigma', samples, test, { sigmaRange: [0.1, 0.1] as const }, 'give 0 < low < high'],
    ['a range from 0', samples, test, { sigmaRange: [0, 1] as const }, 'give 0 < low < high'],
    ['one sigma', samples, test, { sigmaCount: 1 }, 'a count of at least 2'],
  ])('%s', async (_, given, tested, options, message) => {
    await useBackend('cpu');
    await expect(parzenLogLikelihood(given, validation, tested, { pixels, ...options })).rejects.toThrow(message);
  });

  it('a sigma that is none', async () => {
    const window = new ParzenWindow(samples, pixels);
    await expect(window.score(test, 0)).rejects.toThrow('sigma 0 arrived');
    await window.dispose();
  });
});

describe('logSpaced', () => {
  it('has equal quotients and both ends', () => {
    expect(logSpaced(0.1, 10, 3).map((value) => Number(value.toFixed(12)))).toEqual([0.1, 1, 10]);
  });
});

describe('kMeansCenters', () => {
  it('finds two clusters, whichever points it begins at', async () => {
    await useBackend('cpu');
    const points = Float32Array.of(0, 0, 0.1, 0, 0.9, 1, 1, 1, 0, 0.2, 0.8, 1);
    for (const seed of [1, 2, 3]) {
      const centers = await kMeansCenters(points, { pixels: 2, centers: 2, iterations: 5, seed });
      const rows = [centers.slice(0, 2), centers.slice(2)].toSorted((a, b) => a[0]! - b[0]!);
      expect(rows[0]![0]).toBeCloseTo(0.1 / 3, 6);
      expect(rows[1]![0]).toBeCloseTo(0.9, 6);
    }
  });

  it('refuses more centres than points', async () => {
    const options = { pixels: 2, centers: 3, iterations: 1, seed: 1 };
    await expect(kMeansCenters(new Float32Array(4), options)).rejects.toThrow('at most as many centres as points');
  });
});

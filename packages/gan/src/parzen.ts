/**
 * The Parzen window: how likely test images are under Gaussians set on generated images. Goodfellow et al. 2014, section 5;
 * Breuleux et al. 2011.
 *
 *     log p(x) = log mean over samples μ of exp(− |x − μ|² / (2 σ²)) − P ln(σ √(2π))
 *
 * σ is the one of ten, evenly spaced in their logarithm from 0.1 to 1, under which the first 1,000 validation images are
 * likeliest; the result is the mean over the test images, with standard error deviation / √count. Pixels are from 0 to 1:
 * other ranges change the constant. The number says little about what images look like: centres of k-means score above
 * real digits (Theis et al. 2016, "A note on the evaluation of generative models").
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import { requireUnitRange } from './unit-range.ts';

/** Points in pixel space: [count, P], flat, each number from 0 to 1. */
export type Pixels = Float32Array;

/** Options of {@link parzenLogLikelihood}. */
export interface ParzenOptions {
  /** P, numbers per image. */
  pixels: number;
  /** Smallest and largest σ. Default 0.1 and 1. */
  sigmaRange?: readonly [number, number];
  /** How many σ. Default 10. */
  sigmaCount?: number;
  /** Images of `validation` that decide. Default 1000: the first ones. */
  sigmaImages?: number;
}

/** A measured log-likelihood, in nats. */
export interface ParzenScore {
  /** The σ that was chosen. */
  sigma: number;
  /** Whether it was the smallest or the largest: the best may lie outside. */
  atEdge: boolean;
  /** Mean over the test images. */
  mean: number;
  /** Standard deviation over √count. */
  standardError: number;
  /** Mean over the validation images under each σ. */
  validation: { sigma: number; mean: number }[];
}

/** `count` numbers from `low` to `high` with equal quotients. @throws when there is nothing between them */
export function logSpaced(low: number, high: number, count: number): number[] {
  if (!(low > 0 && high > low && Number.isFinite(high)) || !Number.isSafeInteger(count) || count < 2) {
    throw new Error(
      `logSpaced: ${count} values from ${low} to ${high} were asked for; give 0 < low < high and a count of at least 2, ` +
        'for example 0.1, 1 and 10.',
    );
  }
  return Array.from({ length: count }, (_, index) => low * (high / low) ** (index / (count - 1)));
}

/** Samples that points are scored by, on the engine; keep it for many scores, then {@link ParzenWindow.dispose} it. */
export class ParzenWindow {
  readonly pixels: number;
  readonly count: number;
  readonly #samples: tf.Tensor2D;
  readonly #norms: tf.Tensor1D;
  readonly #center: Float32Array;
  readonly #step: CompiledStep<[tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Scalar], tf.Tensor>;

  /**
   * @param samples [M, P], flat
   * @param pixels P
   * @throws when there are fewer than 10 samples, or values outside 0 to 1
   */
  constructor(samples: Pixels, pixels: number) {
    this.pixels = pixels;
    this.count = countOf('ParzenWindow', samples, pixels);
    if (this.count < 10) {
      throw new Error(
        `ParzenWindow: ${this.count} samples arrived, too few for a density; give at least 10, for a published figure 10,000.`,
      );
    }
    requireUnitRange('ParzenWindow', samples);
    // Distances do not change when everything is moved; around 0 the sum below loses fewer digits.
    this.#center = columnMeans(samples, pixels);
    const moved = this.#moved(samples);
    this.#samples = tf.tensor2d(moved, [this.count, pixels]);
    this.#norms = tf.tensor1d(squaredNorms(moved, pixels));
    this.#step = compile(logMeanKernel);
  }

  /**
   * Log-likelihood of each point, in nats.
   *
   * @param points [N, P], flat
   * @param sigma σ > 0
   * @param chunk points that are scored at a time; each takes M numbers of memory
   */
  async score(points: Pixels, sigma: number, chunk = 250): Promise<Float64Array> {
    const { pixels } = this;
    const count = countOf('ParzenWindow.score', points, pixels);
    requireUnitRange('ParzenWindow.score', points);
    if (!(sigma > 0 && Number.isFinite(sigma))) {
      throw new Error(`ParzenWindow.score: sigma ${sigma} arrived; give a number above 0, usually from 0.1 to 1.`);
    }
    const constant = pixels * Math.log(sigma * Math.sqrt(2 * Math.PI));
    const scores = new Float64Array(count);
    const precision = tf.scalar(1 / (2 * sigma * sigma));
    try {
      for (let start = 0; start < count; start += chunk) {
        const rows = Math.min(chunk, count - start);
        const x = tf.tensor2d(this.#moved(points.subarray(start * pixels, (start + rows) * pixels)), [rows, pixels]);
        const result = await this.#step(x, this.#samples, this.#norms, precision);
        const values = await result.data();
        tf.dispose([x, result]);
        for (let row = 0; row < rows; row++) scores[start + row] = values[row]! - constant;
      }
    } finally {
      precision.dispose();
    }
    return scores;
  }

  /** Frees the samples. */
  async dispose(): Promise<void> {
    tf.dispose([this.#samples, this.#norms]);
    await this.#step.dispose();
  }

  #moved(values: Float32Array): Float32Array {
    const moved = new Float32Array(values.length);
    for (let index = 0; index < values.length; index++) {
      moved[index] = values[index]! - this.#center[index % this.pixels]!;
    }
    return moved;
  }
}

/** log mean exp(− |x − μ|² · precision) for each row of x: [B, P], [M, P], |μ|² [M] → [B]. */
function logMeanKernel(x: tf.Tensor2D, samples: tf.Tensor2D, norms: tf.Tensor1D, precision: tf.Scalar): tf.Tensor {
  const products = tf.matMul(x, samples, false, true); // [B, M]
  const own = tf.sum(tf.square(x), 1, true); // [B, 1]
  const distances = tf.relu(tf.add(tf.sub(norms, tf.mul(products, 2)), own)); // [B, M]; rounding may fall below 0
  const exponents = tf.neg(tf.mul(distances, precision)); // [B, M]
  const largest = tf.max(exponents, 1, true); // [B, 1]: exp of the nearest sample must not underflow
  return tf.add(tf.log(tf.mean(tf.exp(tf.sub(exponents, largest)), 1)), tf.squeeze(largest, [1])); // [B]
}

/**
 * The figure of the paper: σ chosen on validation images, log-likelihood of the test images.
 *
 * @param samples generated images, 10,000 in the paper
 * @param validation images that σ is chosen on
 * @param test images that are scored
 */
export async function parzenLogLikelihood(
  samples: Pixels,
  validation: Pixels,
  test: Pixels,
  options: ParzenOptions,
): Promise<ParzenScore> {
  const { pixels, sigmaRange = [0.1, 1], sigmaCount = 10, sigmaImages = 1000 } = options;
  const sigmas = logSpaced(...sigmaRange, sigmaCount);
  const window = new ParzenWindow(samples, pixels);
  try {
    const first = validation.subarray(0, sigmaImages * pixels);
    const scored: ParzenScore['validation'] = [];
    for (const sigma of sigmas) scored.push({ sigma, mean: meanOf(await window.score(first, sigma)) });
    const best = scored.reduce((one, other) => (other.mean > one.mean ? other : one));
    const scores = await window.score(test, best.sigma);
    const mean = meanOf(scores);
    const variance = meanOf(scores.map((score) => (score - mean) ** 2));
    return {
      sigma: best.sigma,
      atEdge: best === scored[0] || best === scored.at(-1),
      mean,
      standardError: Math.sqrt(variance / scores.length),
      validation: scored,
    };
  } finally {
    await window.dispose();
  }
}

function countOf(where: string, values: ArrayLike<number>, pixels: number): number {
  const count = values.length / pixels;
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new Error(
    `${where}: ${values.length} values arrived for images of ${pixels} pixels; give at least one image, and whole images.`,
  );
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function columnMeans(values: Float32Array, columns: number): Float32Array {
  const sums = new Float64Array(columns);
  for (let index = 0; index < values.length; index++) sums[index % columns]! += values[index]!;
  return Float32Array.from(sums, (sum) => sum / (values.length / columns));
}

/** |row|² of each row; summed in double precision. */
export function squaredNorms(values: Float32Array, columns: number): Float32Array {
  const norms = new Float32Array(values.length / columns);
  for (let row = 0; row < norms.length; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += values[row * columns + column]! ** 2;
    norms[row] = sum;
  }
  return norms;
}

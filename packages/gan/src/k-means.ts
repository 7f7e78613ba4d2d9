/**
 * k-means, for one purpose: to show that centres of clusters score above real digits in the Parzen window. Lloyd 1982;
 * Theis et al. 2016, section 3.
 */
import { compile, tf } from '@milestones/backend';
import { Random } from '@milestones/core';
import { squaredNorms } from './parzen.ts';

/** Options of {@link kMeansCenters}. */
export interface KMeansOptions {
  /** P, numbers per point. */
  pixels: number;
  /** How many centres. */
  centers: number;
  /** Rounds of assigning points and moving centres. */
  iterations: number;
  /** Decides which points the centres begin at. */
  seed: number;
}

/**
 * Centres of clusters: each round gives every point to its nearest centre, and moves every centre to the mean of its points.
 * A centre without points stays.
 *
 * @param points [N, P], flat
 * @returns centres [K, P], flat
 */
export async function kMeansCenters(points: Float32Array, options: KMeansOptions): Promise<Float32Array> {
  const { pixels, centers: wanted, iterations, seed } = options;
  const count = points.length / pixels;
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(wanted) || wanted < 1 || wanted > count) {
    throw new Error(
      `kMeansCenters: ${wanted} centres of ${points.length} values in rows of ${pixels} were asked for; give whole points, ` +
        'and at most as many centres as points.',
    );
  }
  const chosen = new Random(seed, 'k-means').permutation(count).slice(0, wanted);
  const centers = new Float32Array(wanted * pixels);
  for (const [row, index] of chosen.entries()) {
    centers.set(points.subarray(index * pixels, (index + 1) * pixels), row * pixels);
  }
  // |x − c|² = |x|² − 2 x·c + |c|², and |x|² is the same for every centre.
  const nearest = compile((x: tf.Tensor2D, c: tf.Tensor2D, norms: tf.Tensor1D) =>
    tf.argMin(tf.sub(norms, tf.mul(tf.matMul(x, c, false, true), 2)), 1),
  );
  try {
    for (let iteration = 0; iteration < iterations; iteration++) {
      const sums = new Float64Array(wanted * pixels);
      const sizes = new Uint32Array(wanted);
      const c = tf.tensor2d(centers, [wanted, pixels]);
      const norms = tf.tensor1d(squaredNorms(centers, pixels));
      const chunk = Math.min(500, count);
      for (let start = 0; start < count; start += chunk) {
        const rows = Math.min(chunk, count - start);
        const x = tf.tensor2d(points.subarray(start * pixels, (start + rows) * pixels), [rows, pixels]);
        const result = await nearest(x, c, norms);
        const indices = await result.data();
        tf.dispose([x, result]);
        for (let row = 0; row < rows; row++) {
          const center = indices[row]!;
          sizes[center]!++;
          for (let pixel = 0; pixel < pixels; pixel++) {
            sums[center * pixels + pixel]! += points[(start + row) * pixels + pixel]!;
          }
        }
      }
      tf.dispose([c, norms]);
      for (let center = 0; center < wanted; center++) {
        if (sizes[center] === 0) continue;
        for (let pixel = 0; pixel < pixels; pixel++) {
          centers[center * pixels + pixel] = sums[center * pixels + pixel]! / sizes[center]!;
        }
      }
    }
  } finally {
    await nearest.dispose();
  }
  return centers;
}

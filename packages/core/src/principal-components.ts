import { tf } from '@milestones/backend';
import { Random } from './random/random.ts';

/** What {@link principalComponents} finds. Both tensors are the caller's to dispose. */
export interface PrincipalComponents {
  /** [D] */
  mean: tf.Tensor1D;
  /** [D, count], orthonormal columns in the order of the variance along them. */
  components: tf.Tensor2D;
  /** The variance of the data along each component, largest first. */
  variances: number[];
}

/**
 * The directions along which data varies most. Pearson 1901; Hotelling 1933.
 *
 *     C v = λ v,    C = Σ (x − mean)(x − mean)ᵀ / N
 *
 * Of all linear maps to `count` numbers and back, x → mean + V Vᵀ (x − mean) has the smallest mean squared error. Found by
 * subspace iteration, Q ← orthonormal(C Q): the error of the space falls by λ[first left out] / λ[count] each time, and ten
 * more columns than asked for make that quotient small; two components with nearly equal variances come apart more slowly.
 * Runs at once, not inside a step.
 *
 * @param data [N, D]
 * @param count at least 1, at most D
 * @param options `iterations`: default 60
 */
export async function principalComponents(
  data: tf.Tensor2D,
  count: number,
  options: { iterations?: number } = {},
): Promise<PrincipalComponents> {
  const [rows, features] = data.shape;
  if (!Number.isSafeInteger(count) || count < 1 || count > features) {
    throw new Error(
      `principalComponents: ${count} components of ${features} features were asked for; give a whole number from 1 to ` +
        `${features}.`,
    );
  }
  const width = Math.min(features, count + 10);
  const mean = tf.mean(data, 0) as tf.Tensor1D; // [D]
  const covariance = tf.tidy(() => {
    const centred = tf.sub(data, mean) as tf.Tensor2D; // [N, D]
    return tf.div(tf.matMul(centred, centred, true, false), rows) as tf.Tensor2D; // [D, D]
  });
  // Rows of Qᵀ are columns of Q: each lies in one piece. Float64, or nearly parallel columns would not come apart.
  let basis = Float64Array.from(new Random(1, 'principal components').normalArray(width * features));
  let lengths = orthonormalize(basis, width, features);
  for (let iteration = 0; iteration < (options.iterations ?? 60); iteration++) {
    const product = tf.tidy(() => tf.matMul(tf.tensor2d(Float32Array.from(basis), [width, features]), covariance)); // C is symmetric: Qᵀ C = (C Q)ᵀ
    basis = Float64Array.from(await product.data());
    product.dispose();
    lengths = orthonormalize(basis, width, features);
  }
  covariance.dispose();
  const components = tf.tidy(
    () =>
      tf.transpose(
        tf.tensor2d(Float32Array.from(basis.subarray(0, count * features)), [count, features]),
      ) as tf.Tensor2D,
  );
  return { mean, components, variances: lengths.slice(0, count) };
}

/** Gram and Schmidt, twice over for the sake of rounding, in place; the lengths of what was new in each row. */
function orthonormalize(basis: Float64Array, count: number, size: number): number[] {
  const row = (index: number): Float64Array => basis.subarray(index * size, (index + 1) * size);
  return Array.from({ length: count }, (_, index) => {
    const own = row(index);
    let length = 0;
    for (let pass = 0; pass < 2; pass++) {
      for (let before = 0; before < index; before++) {
        const other = row(before);
        const along = other.reduce((sum, value, place) => sum + value * own[place]!, 0);
        for (let place = 0; place < size; place++) own[place]! -= along * other[place]!;
      }
      const norm = Math.hypot(...own);
      if (pass === 0) length = norm;
      for (let place = 0; place < size; place++) own[place]! /= norm || 1;
    }
    return length;
  });
}

/**
 * Regression by a Gaussian process: the values y at the points X are taken as one draw from a normal distribution with a
 * constant mean m and the covariance σ²·(R + λ·I), R_ij = k(x_i, x_j) the Matérn 5/2 kernel, λ the share of noise. Mean
 * and σ² are those that make y most likely, in closed form (Jones et al. 1998, equations 5 and 6):
 *
 *     m = 1ᵀK⁻¹y / 1ᵀK⁻¹1,   σ² = (y − m)ᵀK⁻¹(y − m) / n,   K = R + λ·I
 */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { matern, squaredDifference } from './matern.ts';
import type { Points } from './matern.ts';

/** What the kernel depends on. */
export interface KernelSettings {
  /** ℓ_p of each setting, in widths of the unit cube. */
  readonly lengthScales: ArrayLike<number>;
  /** λ, the variance of the noise over that of the function. */
  readonly noise: number;
  /** For each setting, whether its coordinates are categories. */
  readonly categorical: readonly boolean[];
}

/** What a Gaussian process says of one point. */
export interface Prediction {
  /** The expected value of the function. */
  mean: number;
  /** How sure that is: the standard deviation of the function there, without noise. */
  deviation: number;
}

/** A process conditioned on values; see the file's head. */
export class GaussianProcess {
  /** m. */
  readonly mean: number;
  /** σ². */
  readonly variance: number;
  /** log |K|. */
  readonly logDeterminant: number;
  /** α = K⁻¹(y − m). */
  readonly weights: Float64Array;
  /** L⁻¹ where K = L·Lᵀ, row by row; zeros above the diagonal. */
  readonly inverseFactor: Float64Array;
  readonly #points: Points;
  readonly #kernel: KernelSettings;

  /**
   * @param points X, rows in the unit cube
   * @param values y, one for each point
   * @param level m and σ² where they are known already; without it, they are estimated
   * @throws when K is not positive definite in double precision: the same point twice, without noise
   */
  constructor(
    points: Points,
    values: Float64Array,
    kernel: KernelSettings,
    level?: { readonly mean: number; readonly variance: number },
  ) {
    const { count } = points;
    this.#points = points;
    this.#kernel = kernel;
    const cholesky = new CholeskyDecomposition(covariance(points, kernel));
    if (!cholesky.isPositiveDefinite()) {
      throw new Error(
        `GaussianProcess: ${count} points with noise ${kernel.noise} have no Cholesky factor; give more noise, or no point twice.`,
      );
    }
    this.inverseFactor = invertFactor(cholesky.lowerTriangularMatrix, count);
    const whitenedOnes = this.#whiten(new Float64Array(count).fill(1));
    const whitenedValues = this.#whiten(values);
    this.mean = level?.mean ?? dot(whitenedOnes, whitenedValues) / dot(whitenedOnes, whitenedOnes);
    const residual = whitenedValues.map((value, index) => value - this.mean * whitenedOnes[index]!); // L⁻¹(y − m)
    // A constant y has no variance; any positive one serves.
    this.variance = level?.variance ?? Math.max(dot(residual, residual) / count, 1e-12);
    this.weights = new Float64Array(count);
    let logDeterminant = 0;
    for (let row = 0; row < count; row++) {
      for (let column = 0; column <= row; column++) {
        this.weights[column]! += this.inverseFactor[row * count + column]! * residual[row]!;
      }
      logDeterminant -= 2 * Math.log(this.inverseFactor[row * count + row]!);
    }
    this.logDeterminant = logDeterminant;
  }

  /**
   * Mean and standard deviation at a point x, with k = (k(x, x_i))_i:
   *
   *     μ = m + kᵀα,   s² = σ² · (1 − |L⁻¹k|²)
   */
  predict(point: ArrayLike<number>): Prediction {
    const covariances = this.#covariances(point);
    return {
      mean: this.mean + dot(covariances, this.weights),
      deviation: Math.sqrt(this.variance * Math.max(1 - squaredNormOfProduct(this.inverseFactor, covariances), 0)),
    };
  }

  /** The mean alone, in time linear in the number of points. */
  predictMean(point: ArrayLike<number>): number {
    return this.mean + dot(this.#covariances(point), this.weights);
  }

  #covariances(point: ArrayLike<number>): Float64Array {
    const { coordinates, count } = this.#points;
    const { lengthScales, categorical } = this.#kernel;
    const dimensions = categorical.length;
    const covariances = new Float64Array(count);
    for (let row = 0; row < count; row++) {
      let squaredDistance = 0;
      for (let index = 0; index < dimensions; index++) {
        const other = coordinates[row * dimensions + index]!;
        squaredDistance += squaredDifference(point[index]!, other, categorical[index]!) / lengthScales[index]! ** 2;
      }
      covariances[row] = matern(squaredDistance);
    }
    return covariances;
  }

  #whiten(values: Float64Array): Float64Array {
    const { count } = this.#points;
    return values.map((_, row) => {
      let sum = 0;
      for (let column = 0; column <= row; column++) sum += this.inverseFactor[row * count + column]! * values[column]!;
      return sum;
    });
  }
}

function covariance({ coordinates, count }: Points, { lengthScales, noise, categorical }: KernelSettings): Matrix {
  const matrix = Matrix.zeros(count, count);
  const dimensions = categorical.length;
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < row; column++) {
      let squaredDistance = 0;
      for (let index = 0; index < dimensions; index++) {
        const left = coordinates[row * dimensions + index]!;
        const right = coordinates[column * dimensions + index]!;
        squaredDistance += squaredDifference(left, right, categorical[index]!) / lengthScales[index]! ** 2;
      }
      const value = matern(squaredDistance);
      matrix.set(row, column, value);
      matrix.set(column, row, value);
    }
    matrix.set(row, row, 1 + noise);
  }
  return matrix;
}

/** L⁻¹ by forward substitution; the library has no solver for triangular matrices. */
function invertFactor(lower: Matrix, count: number): Float64Array {
  const inverse = new Float64Array(count * count);
  for (let row = 0; row < count; row++) {
    const pivot = 1 / lower.get(row, row);
    for (let inner = 0; inner < row; inner++) {
      const factor = lower.get(row, inner) * pivot;
      for (let column = 0; column <= inner; column++) {
        inverse[row * count + column]! -= factor * inverse[inner * count + column]!;
      }
    }
    inverse[row * count + row] = pivot;
  }
  return inverse;
}

function squaredNormOfProduct(lower: Float64Array, vector: Float64Array): number {
  let norm = 0;
  for (let row = 0; row < vector.length; row++) {
    const start = row * vector.length;
    let sum = 0;
    for (let column = 0; column <= row; column++) sum += lower[start + column]! * vector[column]!;
    norm += sum * sum;
  }
  return norm;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += left[index]! * right[index]!;
  return sum;
}

/**
 * The kernel's settings, chosen by how likely they make the values: length scales and noise maximise the marginal
 * likelihood with mean and variance put in (Jones et al. 1998, equation 7), after a weak prior that keeps them sensible
 * while there are few values:
 *
 *     −n/2 · log σ² − ½ · log |K|  −  Σ_p ½ · ((log ℓ_p − log ½) / 1)²  −  ½ · ((log λ − log 10⁻⁴) / 3)²
 *
 * Snoek et al. 2012 average over the posterior instead; the mode is cheaper and, with the prior, does as well here.
 */
import { GaussianProcess } from './gaussian-process.ts';
import type { KernelSettings } from './gaussian-process.ts';
import { maternSlope, squaredDifference } from './matern.ts';
import type { Points } from './matern.ts';
import { minimizeSmooth } from './minimize-smooth.ts';

/** Bounds and prior of log ℓ and of log λ: normal around the centre, and never outside. */
const LENGTH_SCALE = { from: Math.log(0.02), to: Math.log(50), centre: Math.log(0.5), width: 1 };
const NOISE = { from: Math.log(1e-8), to: Math.log(10), centre: Math.log(1e-4), width: 3 };

/** Length scale and noise that the searches for the best begin at. */
const STARTS = [
  [0.5, 1e-4],
  [0.2, 1e-2],
] as const;

/** The kernel's settings of the greatest marginal likelihood; see the file's head. */
export function fitKernel(points: Points, values: Float64Array, categorical: readonly boolean[]): KernelSettings {
  const cost = (logs: Float64Array) => negativeLogPosterior(points, values, categorical, logs);
  const limits = [...categorical.map(() => LENGTH_SCALE), NOISE];
  let best: { point: Float64Array; value: number } | undefined;
  for (const [lengthScale, noise] of STARTS) {
    const start = Float64Array.from(limits, (limit) => Math.log(limit === NOISE ? noise : lengthScale));
    const found = minimizeSmooth(cost, start, limits);
    if (best === undefined || found.value < best.value) best = found;
  }
  return kernelOf(best!.point, categorical);
}

/**
 * Minus the logarithm above, and its gradient. With W = α·αᵀ/σ² − K⁻¹ the likelihood's part of it is ½ · Σ_ij W_ij ·
 * ∂K_ij/∂θ, the variance σ² being at its own optimum.
 *
 * @param logs log ℓ_p of each setting, then log λ
 */
export function negativeLogPosterior(
  points: Points,
  values: Float64Array,
  categorical: readonly boolean[],
  logs: Float64Array,
): { value: number; gradient: Float64Array } {
  const { coordinates, count } = points;
  const dimensions = categorical.length;
  const kernel = kernelOf(logs, categorical);
  const process = new GaussianProcess(points, values, kernel);
  const inverse = squareOfFactor(process.inverseFactor, count);
  const gradient = new Float64Array(dimensions + 1);
  const differences = new Float64Array(dimensions);
  const inverseSquares = Float64Array.from(kernel.lengthScales, (scale) => 1 / scale ** 2);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < row; column++) {
      let squaredDistance = 0;
      for (let index = 0; index < dimensions; index++) {
        const left = coordinates[row * dimensions + index]!;
        const right = coordinates[column * dimensions + index]!;
        const difference = squaredDifference(left, right, categorical[index]!) * inverseSquares[index]!;
        differences[index] = difference;
        squaredDistance += difference;
      }
      const weight = (process.weights[row]! * process.weights[column]!) / process.variance;
      // Each pair stands twice in the sum, which takes the ½ away.
      const factor = (weight - inverse[row * count + column]!) * maternSlope(squaredDistance);
      for (let index = 0; index < dimensions; index++) gradient[index]! -= factor * differences[index]!;
    }
    const weight = process.weights[row]! ** 2 / process.variance;
    gradient[dimensions]! -= 0.5 * kernel.noise * (weight - inverse[row * count + row]!);
  }
  let value = 0.5 * (count * Math.log(process.variance) + process.logDeterminant);
  logs.forEach((log, index) => {
    const { centre, width } = index < dimensions ? LENGTH_SCALE : NOISE;
    value += 0.5 * ((log - centre) / width) ** 2;
    gradient[index]! += (log - centre) / width ** 2;
  });
  return { value, gradient };
}

function kernelOf(logs: Float64Array, categorical: readonly boolean[]): KernelSettings {
  return {
    lengthScales: logs.subarray(0, categorical.length).map(Math.exp),
    noise: Math.exp(logs[categorical.length]!),
    categorical,
  };
}

/** K⁻¹ = L⁻ᵀ·L⁻¹, its lower triangle. */
function squareOfFactor(factor: Float64Array, count: number): Float64Array {
  const inverse = new Float64Array(count * count);
  for (let inner = 0; inner < count; inner++) {
    for (let row = 0; row <= inner; row++) {
      const left = factor[inner * count + row]!;
      for (let column = 0; column <= row; column++) {
        inverse[row * count + column]! += left * factor[inner * count + column]!;
      }
    }
  }
  return inverse;
}

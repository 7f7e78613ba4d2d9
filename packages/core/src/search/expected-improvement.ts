/**
 * How much better than the best value f* a point can be expected to be, when a model says that its value is normal with mean
 * μ and standard deviation σ and small values are wanted (Mockus et al. 1978; Jones et al. 1998, equation 15):
 *
 *     EI = E[max(f* − Y, 0)] = σ · (z·Φ(z) + φ(z)),   z = (f* − μ) / σ
 *
 * Far from the best, EI underflows and all points look alike; the search therefore compares logarithms.
 */
const LOG_ROOT_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const ROOT_TWO_PI = Math.sqrt(2 * Math.PI);

/**
 * The expected improvement.
 *
 * @param mean μ
 * @param deviation σ; where it is 0 the improvement is known, max(f* − μ, 0)
 * @param best f*, the smallest value so far
 */
export function expectedImprovement(mean: number, deviation: number, best: number): number {
  if (!(deviation > 0)) return Math.max(best - mean, 0);
  return deviation * Math.exp(logImprovementFactor((best - mean) / deviation));
}

/** The logarithm of {@link expectedImprovement}, exact also where that is too small for a number. */
export function logExpectedImprovement(mean: number, deviation: number, best: number): number {
  if (!(deviation > 0)) return Math.log(Math.max(best - mean, 0));
  return Math.log(deviation) + logImprovementFactor((best - mean) / deviation);
}

/** log(z·Φ(z) + φ(z)). */
function logImprovementFactor(z: number): number {
  const logDensity = -0.5 * z * z - LOG_ROOT_TWO_PI;
  if (z >= -1) return Math.log(z * (1 - upperTail(z)) + Math.exp(logDensity));
  // With the Mills ratio M = (1 − Φ(−z)) / φ(z) the sum is φ(z) · (1 − |z|·M); beyond 1000 the bracket is 1/z².
  const bracket = z > -1000 ? 1 + z * millsRatio(-z) : 1 / (z * z);
  return logDensity + Math.log(bracket);
}

/** 1 − Φ(z), the chance that a standard normal number is above z. */
function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  if (z >= 3) return (millsRatio(z) * Math.exp(-0.5 * z * z)) / ROOT_TWO_PI;
  // Φ(z) − ½ = φ(z) · Σ z^(2n+1) / (1·3·5·…·(2n+1)), all terms positive.
  let term = z;
  let sum = z;
  for (let odd = 3; term > 1e-17 * sum; odd += 2) {
    term *= (z * z) / odd;
    sum += term;
  }
  return 0.5 - (sum * Math.exp(-0.5 * z * z)) / ROOT_TWO_PI;
}

/** (1 − Φ(z)) / φ(z) for z ≥ 1: the continued fraction 1/(z + 1/(z + 2/(z + 3/(z + …)))), from its far end. */
function millsRatio(z: number): number {
  let tail = z;
  for (let depth = Math.ceil(20 + 180 / (z * z)); depth > 0; depth--) tail = z + depth / tail;
  return 1 / tail;
}

/** Several models as one. Krogh and Vedelsby 1995, "Neural network ensembles, cross validation, and active learning". */

/** What {@link ambiguityDecomposition} finds; all are means over the predicted numbers. */
export interface AmbiguityDecomposition {
  /** (f̄ − y)²: the error of the ensemble. */
  ensembleError: number;
  /** Σ wₘ (fₘ − y)²: the members' mean error. */
  memberError: number;
  /** Σ wₘ (fₘ − f̄)²: how far the members disagree. */
  ambiguity: number;
}

/**
 * The weighted mean of the members' predictions, f̄ = Σ wₘ fₘ.
 *
 * @param predictions one array for each member, all of one length: numbers, or probabilities [examples · K]
 * @param weights wₘ, at least 0 with the sum 1. Default: all alike
 */
export function averagePredictions(
  predictions: readonly ArrayLike<number>[],
  weights: readonly number[] = predictions.map(() => 1 / predictions.length),
): Float64Array {
  const size = predictions[0]?.length ?? 0;
  if (size === 0 || predictions.some(({ length }) => length !== size)) {
    throw new Error(
      `averagePredictions: predictions of ${predictions.map(({ length }) => length).join(', ') || 'no'} numbers arrived; ` +
        'give one array for each member, all of the same length.',
    );
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length !== predictions.length || weights.some((weight) => !(weight >= 0)) || Math.abs(total - 1) > 1e-9) {
    throw new Error(
      `averagePredictions: the weights ${weights.join(', ')} arrived for ${predictions.length} members; give one for ` +
        'each, at least 0 and with the sum 1.',
    );
  }
  const mean = new Float64Array(size);
  predictions.forEach((prediction, member) => {
    for (let index = 0; index < size; index++) mean[index]! += weights[member]! * prediction[index]!;
  });
  return mean;
}

/**
 * The ambiguity identity: an ensemble's squared error is what its members' is on average, less their disagreement.
 * Krogh and Vedelsby 1995, equation 6.
 *
 *     (f̄ − y)² = Σ wₘ (fₘ − y)² − Σ wₘ (fₘ − f̄)²
 *
 * It holds for every single number, whatever the members are: an ensemble is never worse than its mean member, and the
 * more so the more its members differ.
 *
 * @param predictions fₘ, one array for each member
 * @param targets y, as many numbers as each member predicts
 * @param weights wₘ, see {@link averagePredictions}
 */
export function ambiguityDecomposition(
  predictions: readonly ArrayLike<number>[],
  targets: ArrayLike<number>,
  weights: readonly number[] = predictions.map(() => 1 / predictions.length),
): AmbiguityDecomposition {
  const mean = averagePredictions(predictions, weights);
  if (targets.length !== mean.length) {
    throw new Error(
      `ambiguityDecomposition: ${targets.length} targets arrived for predictions of ${mean.length} numbers; give as many.`,
    );
  }
  const sums = { ensembleError: 0, memberError: 0, ambiguity: 0 };
  for (let index = 0; index < mean.length; index++) {
    sums.ensembleError += (mean[index]! - targets[index]!) ** 2;
    predictions.forEach((prediction, member) => {
      sums.memberError += weights[member]! * (prediction[index]! - targets[index]!) ** 2;
      sums.ambiguity += weights[member]! * (prediction[index]! - mean[index]!) ** 2;
    });
  }
  const { length } = mean;
  return {
    ensembleError: sums.ensembleError / length,
    memberError: sums.memberError / length,
    ambiguity: sums.ambiguity / length,
  };
}

/** One bin of a reliability diagram. */
export interface CalibrationBin {
  /** Mean of the largest probabilities in it. */
  confidence: number;
  /** Share of right answers in it. */
  accuracy: number;
  /** How many examples it holds, at least 1. */
  count: number;
}

/** What {@link calibration} finds. */
export interface Calibration {
  /** Σ count / N · |accuracy − confidence| over the bins, 0 to 1. */
  expectedError: number;
  /** Mean confidence of all examples. */
  confidence: number;
  /** Share of right answers of all examples. */
  accuracy: number;
  /** The bins that hold examples, from low confidence to high. */
  bins: CalibrationBin[];
}

/**
 * How far a classifier's confidence agrees with how often it is right: examples are sorted into bins of equal width by
 * their largest probability. Guo et al. 2017, "On calibration of modern neural networks", equation 3.
 *
 * @param probabilities [N, K], flat; each row a distribution
 * @param labels [N], 0 to K − 1
 * @param bins how many; default 15, as in the paper
 */
export function calibration(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  { bins: count = 15 }: { bins?: number } = {},
): Calibration {
  const classes = probabilities.length / labels.length;
  if (labels.length === 0 || !Number.isSafeInteger(classes) || classes < 2) {
    throw new Error(
      `calibration: ${probabilities.length} probabilities arrived for ${labels.length} labels; give K for each label.`,
    );
  }
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(`calibration: ${count} bins were asked for; give a whole number of at least 1.`);
  }
  const sums = Array.from({ length: count }, () => ({ confidence: 0, right: 0, count: 0 }));
  for (let row = 0; row < labels.length; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (probabilities[row * classes + k]! > probabilities[row * classes + best]!) best = k;
    }
    const confidence = probabilities[row * classes + best]!;
    // Bins are open at their lower end, as in the paper, so that a confidence of 1 is in the last.
    const bin = sums[Math.min(count, Math.max(1, Math.ceil(confidence * count))) - 1]!;
    bin.confidence += confidence;
    bin.right += best === labels[row] ? 1 : 0;
    bin.count += 1;
  }
  const total = (key: 'confidence' | 'right'): number => sums.reduce((sum, bin) => sum + bin[key], 0) / labels.length;
  return {
    expectedError: sums.reduce((sum, bin) => sum + Math.abs(bin.right - bin.confidence), 0) / labels.length,
    confidence: total('confidence'),
    accuracy: total('right'),
    bins: sums
      .filter((bin) => bin.count > 0)
      .map((bin) => ({
        confidence: bin.confidence / bin.count,
        accuracy: bin.right / bin.count,
        count: bin.count,
      })),
  };
}

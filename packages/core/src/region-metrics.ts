/** Numbers about maps of labels and about points in images, on the host. */

/** Counts, over images that arrive one by one, of how often each true class was given each label. */
export class ConfusionMatrix {
  readonly classes: number;
  /** [K, K], flat: row is the true class, column the predicted one. */
  readonly counts: Float64Array;

  constructor(classes: number) {
    if (!Number.isSafeInteger(classes) || classes < 2) {
      throw new Error(`ConfusionMatrix: ${classes} classes arrived; give a whole number of at least 2.`);
    }
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
  }

  /** Counts the pairs of `labels` and `predictions`, whole numbers from 0 to K − 1, place by place. */
  add(predictions: ArrayLike<number>, labels: ArrayLike<number>): void {
    const { classes, counts } = this;
    if (predictions.length !== labels.length) {
      throw new Error(
        `ConfusionMatrix: ${predictions.length} predictions and ${labels.length} labels arrived; give equally many.`,
      );
    }
    const isClass = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < classes;
    for (let place = 0; place < labels.length; place++) {
      const [label, prediction] = [labels[place]!, predictions[place]!];
      if (!isClass(label) || !isClass(prediction)) {
        throw new Error(
          `ConfusionMatrix: the label ${label} and the prediction ${prediction} arrived at place ${place}; give whole ` +
            `numbers from 0 to ${classes - 1}.`,
        );
      }
      counts[label * classes + prediction]!++;
    }
  }

  /** Share of places with the right label; NaN while there are none. */
  get accuracy(): number {
    let right = 0;
    for (let k = 0; k < this.classes; k++) right += this.counts[k * (this.classes + 1)]!;
    return right / this.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Intersection over union of each class, right / (labelled + predicted − right); NaN for a class that neither the labels
   * nor the predictions have.
   */
  get intersectionOverUnion(): number[] {
    const { classes, counts } = this;
    return Array.from({ length: classes }, (_, k) => {
      let union = -counts[k * (classes + 1)]!;
      for (let other = 0; other < classes; other++) {
        union += counts[k * classes + other]! + counts[other * classes + k]!;
      }
      return counts[k * (classes + 1)]! / union;
    });
  }

  /** Mean of {@link intersectionOverUnion} over the classes that have one. Long et al. 2015, section 5. */
  get meanIntersectionOverUnion(): number {
    const known = this.intersectionOverUnion.filter((value) => !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  }
}

/**
 * Percentage of correct key points (PCK): the share of predicted points that lie within a fraction of the body's size from
 * the true ones. Yang and Ramanan 2013, section 6.
 *
 * @param predictions [N, points, 2], flat
 * @param truth the same
 * @param sizes [N]: what a distance is measured by, such as the longer side of the box around the body
 * @param fraction α, 0.2 in the paper for bodies whose size is that of the torso, else 0.1
 * @returns from 0 to 1
 */
export function correctKeyPoints(
  predictions: ArrayLike<number>,
  truth: ArrayLike<number>,
  sizes: ArrayLike<number>,
  fraction: number,
): number {
  const points = truth.length / 2 / sizes.length;
  if (predictions.length !== truth.length || !Number.isSafeInteger(points) || points < 1 || !(fraction > 0)) {
    throw new Error(
      `correctKeyPoints: ${predictions.length} and ${truth.length} coordinates of ${sizes.length} bodies and the fraction ` +
        `${fraction} arrived; give two coordinates for every point of every body twice, and a fraction above 0.`,
    );
  }
  let correct = 0;
  for (let point = 0; point < points * sizes.length; point++) {
    const distance = Math.hypot(
      predictions[2 * point]! - truth[2 * point]!,
      predictions[2 * point + 1]! - truth[2 * point + 1]!,
    );
    if (distance <= fraction * sizes[Math.floor(point / points)]!) correct++;
  }
  return correct / (points * sizes.length);
}

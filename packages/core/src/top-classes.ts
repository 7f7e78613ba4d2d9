/** One class and how likely a classifier holds it to be. */
export interface ClassProbability {
  /** The number of the class, from 0. */
  label: number;
  /** Its name; the number as text where there is none. */
  name: string;
  /** From the softmax over all classes. */
  probability: number;
}

/**
 * The most likely classes of one row of logits, best first; where two tie, the lower number comes first.
 *
 * @param logits [K], on the host
 * @param options `names` of the classes, and how many of them to give (`top`, default 5; at most K come back)
 */
export function topClasses(
  logits: ArrayLike<number>,
  options: { names?: readonly string[] | undefined; top?: number | undefined } = {},
): ClassProbability[] {
  const { names, top = 5 } = options;
  if (!Number.isInteger(top) || top < 1) {
    throw new Error(`topClasses: the ${top} most likely classes were asked for; give a whole number of at least 1.`);
  }
  const values = Array.from(logits);
  if (values.some((value) => !Number.isFinite(value))) {
    throw new Error('topClasses: a logit is not a finite number; check the weights and how the input was normalised.');
  }
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const exponentials = values.map((value) => Math.exp(value - largest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials
    .map((value, label) => ({ label, name: names?.[label] ?? String(label), probability: value / total }))
    .toSorted((one, other) => other.probability - one.probability)
    .slice(0, top);
}

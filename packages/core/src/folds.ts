/** Cross-validation: every example validates once. Stone 1974; Kohavi 1995. */
import type { Random } from './random/random.ts';

/** One round of cross-validation: indices of examples, each in ascending order. */
export interface Fold {
  train: Uint32Array;
  validation: Uint32Array;
}

/**
 * The examples 0 to `examples` − 1 in `folds` random parts whose sizes differ by at most 1; each part validates once,
 * the others train. With as many folds as examples it is leave-one-out.
 *
 * @param folds k, from 2 to the number of examples
 */
export function kFolds(examples: number, folds: number, random: Random): Fold[] {
  if (!Number.isSafeInteger(examples) || examples < 2) {
    throw new Error(`kFolds: ${examples} examples arrived; give a whole number of at least 2.`);
  }
  return deal([...random.permutation(examples)], examples, folds, 'kFolds');
}

/**
 * The same, with each class spread evenly: how many examples of a class a fold validates on differs by at most 1 between
 * any two folds, and so do the sizes of the folds. Kohavi 1995, section 3.2, found less bias and variance than without.
 *
 * @param labels the class of each example, whole numbers
 * @param folds k, from 2 to the number of examples; a class with fewer examples is missing from some folds
 */
export function stratifiedFolds(labels: ArrayLike<number>, folds: number, random: Random): Fold[] {
  const classes = new Map<number, number[]>();
  for (const index of random.permutation(labels.length)) {
    const label = labels[index]!;
    if (!Number.isSafeInteger(label)) {
      throw new Error(`stratifiedFolds: example ${index} has the label ${label}; labels are whole numbers.`);
    }
    const members = classes.get(label);
    if (members === undefined) classes.set(label, [index]);
    else members.push(index);
  }
  // One class after the other, dealt like cards without a new start: no fold gets every class's surplus.
  return deal([...classes.values()].flat(), labels.length, folds, 'stratifiedFolds');
}

function deal(order: readonly number[], examples: number, folds: number, where: string): Fold[] {
  if (!Number.isSafeInteger(folds) || folds < 2 || folds > examples) {
    throw new Error(`${where}: ${folds} folds arrived for ${examples} examples; give 2 to ${examples}.`);
  }
  const foldOf = new Uint32Array(examples);
  order.forEach((example, place) => (foldOf[example] = place % folds));
  const chosen = (belongs: (fold: number) => boolean): Uint32Array =>
    Uint32Array.from(foldOf.keys()).filter((example) => belongs(foldOf[example]!));
  return Array.from({ length: folds }, (_, fold) => ({
    train: chosen((other) => other !== fold),
    validation: chosen((other) => other === fold),
  }));
}

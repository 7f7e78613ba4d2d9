/**
 * Entropy of a text under its own n-gram model, in nats per character: the loss of the best model that sees only the
 * `order` − 1 characters before the one it predicts.
 *
 *   H = −(1/N) · Σ_i ln p(c_i | c_{i−order+1} … c_{i−1}),   p from the counts of this very text
 *
 * Order 1 is the unigram model (how common each character is), order 2 the bigram model. The first `order` − 1
 * characters are not predicted. Since the model is counted on the text it is judged by, the figure is a lower bound for
 * what such a model reaches on another text, and a meaningless one once most contexts occur only once: keep
 * `order` small against the logarithm of the text's length.
 *
 * @param order how long the n-grams are, at least 1
 * @throws when the text is shorter than `order`
 */
export function ngramEntropy(text: string, order: number): number {
  if (!Number.isSafeInteger(order) || order < 1) {
    throw new Error(
      `ngramEntropy: the order ${order} arrived; give a whole number of at least 1 (2 is the bigram model).`,
    );
  }
  const characters = oneUnitPerCharacter(text);
  const total = characters.length - order + 1;
  if (total < 1) {
    throw new Error(
      `ngramEntropy: a text of ${characters.length} characters arrived; order ${order} needs at least ${order}.`,
    );
  }
  const contexts = new Map<string, number>();
  const grams = new Map<string, number>();
  for (let start = 0; start < total; start++) {
    const context = characters.slice(start, start + order - 1);
    const gram = characters.slice(start, start + order);
    contexts.set(context, (contexts.get(context) ?? 0) + 1);
    grams.set(gram, (grams.get(gram) ?? 0) + 1);
  }
  // H = (Σ over contexts n·ln n − Σ over n-grams n·ln n) / N, the same sum with equal terms gathered.
  return (sumOfLogarithms(contexts) - sumOfLogarithms(grams)) / total;
}

function sumOfLogarithms(counts: Map<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count * Math.log(count);
  return sum;
}

/** The text with its distinct characters renamed, so that each is one code unit and slices count characters. */
function oneUnitPerCharacter(text: string): string {
  const names = new Map<string, string>();
  const renamed: string[] = [];
  for (const character of text) {
    let name = names.get(character);
    if (name === undefined) {
      name = String.fromCharCode(names.size);
      names.set(character, name);
    }
    renamed.push(name);
  }
  return renamed.join('');
}

/** Words and their neighbours for word2vec: vocabulary, subsampling, pairs and noise. Mikolov et al. 2013, section 2. */
import type { Random } from '@milestones/core';

/** How a text becomes pairs. */
export interface SkipGramOptions {
  /** A pair's words are at most this far from each other; each distance up to it is equally likely. */
  window: number;
  /** t: words above this share of the text are thinned out; 1 leaves all. */
  frequent: number;
  /** How many of the most frequent words are kept; others are taken out of the text. Default: all. */
  vocabulary?: number;
  random: Random;
}

/** Draws (word, neighbour, noise …) from a text. */
export class SkipGrams {
  /** By number, the most frequent first. */
  readonly words: readonly string[];
  readonly #numbers: Map<string, number>;
  /** Numbers of the words of all sentences, one after the other, and for each the sentence it is in. */
  readonly #tokens: Int32Array;
  readonly #sentences: Int32Array;
  /** Each word as often as (its count)^¾ asks for: drawing from it is drawing noise. */
  readonly #noise: Int32Array;
  readonly #window: number;

  constructor(sentences: readonly (readonly string[])[], { window, frequent, vocabulary, random }: SkipGramOptions) {
    const counts = new Map<string, number>();
    for (const word of sentences.flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
    const ranked = [...counts].toSorted(([a, first], [b, second]) => second - first || (a < b ? -1 : 1));
    const kept = ranked.slice(0, vocabulary);
    this.words = kept.map(([word]) => word);
    this.#numbers = new Map(this.words.map((word, number) => [word, number]));
    this.#window = window;
    const total = kept.reduce((sum, [, count]) => sum + count, 0);
    const keep = kept.map(([, count]) => Math.sqrt((frequent * total) / count));
    const tokens: number[] = [];
    const places: number[] = [];
    for (const [index, sentence] of sentences.entries()) {
      for (const word of sentence) {
        const number = this.#numbers.get(word);
        if (number === undefined || (keep[number]! < 1 && random.uniform() >= keep[number]!)) continue;
        tokens.push(number);
        places.push(index);
      }
    }
    this.#tokens = Int32Array.from(tokens);
    this.#sentences = Int32Array.from(places);
    const weights = kept.map(([, count]) => count ** 0.75);
    const scale = Math.max(100_000, 10 * kept.length) / weights.reduce((sum, weight) => sum + weight, 0);
    this.#noise = Int32Array.from(
      weights.flatMap((weight, word) => Array<number>(Math.ceil(weight * scale)).fill(word)),
    );
  }

  /** Words that pairs are drawn from. */
  get length(): number {
    return this.#tokens.length;
  }

  /** The number of a word; undefined where the text lacks it. */
  numberOf(word: string): number | undefined {
    return this.#numbers.get(word);
  }

  /**
   * @param size B
   * @param negatives k
   * @returns `word` [B] and `others` [B, 1 + k], flat: the neighbour, then noise
   */
  draw(size: number, negatives: number, random: Random): { word: Int32Array; others: Int32Array } {
    const word = new Int32Array(size);
    const others = Int32Array.from(random.uniformArray(size * (1 + negatives)), (share) => {
      return this.#noise[Math.floor(share * this.#noise.length)]!;
    });
    let found = 0;
    while (found < size) {
      // Both in one draw of many numbers: single draws would take longer than the update.
      const draws = random.uniformArray(2 * size);
      for (let index = 0; index < size && found < size; index++) {
        const place = Math.floor(draws[2 * index]! * this.#tokens.length);
        const step = Math.floor(draws[2 * index + 1]! * 2 * this.#window) - this.#window;
        const other = place + (step < 0 ? step : step + 1); // −window … −1, 1 … window
        if (this.#sentences[other] !== this.#sentences[place]) continue; // beyond the sentence, or the text
        word[found] = this.#tokens[place]!;
        others[found * (1 + negatives)] = this.#tokens[other]!;
        found++;
      }
    }
    return { word, others };
  }
}

/** Vectors by word, of length 1: their products are cosines. */
export class WordSpace {
  readonly #words: readonly string[];
  readonly #rows: ReadonlyMap<string, Float32Array>;

  /** @param values [V, D], flat, in the order of `words` */
  constructor(words: readonly string[], values: Float32Array) {
    const features = values.length / words.length;
    this.#words = words;
    this.#rows = new Map(
      words.map((word, index) => {
        const row = values.slice(index * features, (index + 1) * features);
        const length = Math.hypot(...row);
        return [word, row.map((value) => value / length)];
      }),
    );
  }

  /** The unit vector of a word. */
  at(word: string): Float32Array {
    const row = this.#rows.get(word);
    if (row === undefined)
      throw new Error(`word2vec: the text has no word ${JSON.stringify(word)}; choose one it has.`);
    return row;
  }

  /** The words whose vectors lie nearest in angle to a vector. */
  nearest(vector: Float32Array, count: number, without: readonly string[]): string[] {
    const scored = this.#words
      .filter((word) => !without.includes(word))
      .map((word) => [word, this.at(word).reduce((sum, value, index) => sum + value * vector[index]!, 0)] as const);
    return scored
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([word]) => word);
  }

  /** What is to `other` as `to` is to `from`: the word nearest to `to` − `from` + `other`, those three left out. */
  analogy(from: string, to: string, other: string): string {
    const [a, b, c] = [this.at(from), this.at(to), this.at(other)];
    return this.nearest(
      b.map((value, index) => value - a[index]! + c[index]!),
      1,
      [from, to, other],
    )[0]!;
  }
}

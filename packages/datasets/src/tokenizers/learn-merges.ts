/**
 * The loop that byte-pair encoding and our WordPiece learner share. Counting all pairs anew after each merge costs
 * (merges · corpus). Here a merge touches only the words that have its pair: their pairs are uncounted before it and counted
 * after it, and a heap knows the most frequent.
 */
import { mergePair, pairKey } from './byte-pair-ids.ts';

/** A distinct piece of the corpus. */
export interface CountedWord {
  /** The first `length` are its tokens so far. */
  readonly ids: Int32Array;
  length: number;
  /** How often it occurs. */
  readonly count: number;
}

/** When to stop, and what a merge is called. */
export interface MergeRules {
  /** Pairs that occur less often are not merged. */
  minimumCount: number;
  /** The id that a pair is joined into, new or in use already; undefined ends the learning. */
  idOf: (left: number, right: number) => number | undefined;
}

/**
 * Joins the most frequent pair of neighbours into a new id, again and again. Ties are decided by the ids: the smaller first
 * id, then the smaller second. Changes the words.
 */
export function learnMerges(words: readonly CountedWord[], rules: MergeRules): [number, number][] {
  const { minimumCount, idOf } = rules;
  const counts = new Map<number, number>();
  const places = new Map<number, number[]>();
  const heap = new PairHeap();
  for (const [index, word] of words.entries()) {
    for (let at = 0; at + 1 < word.length; at++) addPair(word, at, index, counts, places);
  }
  for (const [key, count] of counts) heap.push(key, count);

  const merges: [number, number][] = [];
  for (;;) {
    const key = heap.pop(counts);
    if (key === undefined || counts.get(key)! < minimumCount) break;
    const left = Math.floor(key / 2 ** 26);
    const right = key % 2 ** 26;
    const id = idOf(left, right);
    if (id === undefined) break;
    merges.push([left, right]);

    const increased = new Set<number>();
    // A word is listed once for each time that the pair came about in it, and stays listed when the pair is gone.
    for (const index of places.get(key)!) {
      const word = words[index]!;
      if (!hasPair(word, left, right)) continue;
      for (let at = 0; at + 1 < word.length; at++) {
        const pair = pairKey(word.ids[at]!, word.ids[at + 1]!);
        counts.set(pair, counts.get(pair)! - word.count);
      }
      word.length = mergePair(word.ids, word.length, left, right, id);
      for (let at = 0; at + 1 < word.length; at++) {
        const { ids } = word;
        if (ids[at] === id || ids[at + 1] === id) increased.add(addPair(word, at, index, counts, places));
        else {
          const pair = pairKey(ids[at]!, ids[at + 1]!);
          counts.set(pair, counts.get(pair)! + word.count);
        }
      }
    }
    places.delete(key);
    for (const pair of increased) heap.push(pair, counts.get(pair)!);
  }
  return merges;
}

function addPair(
  word: CountedWord,
  at: number,
  index: number,
  counts: Map<number, number>,
  places: Map<number, number[]>,
): number {
  const key = pairKey(word.ids[at]!, word.ids[at + 1]!);
  counts.set(key, (counts.get(key) ?? 0) + word.count);
  const known = places.get(key);
  if (known === undefined) places.set(key, [index]);
  else if (known.at(-1) !== index) known.push(index);
  return key;
}

function hasPair(word: CountedWord, left: number, right: number): boolean {
  for (let at = 0; at + 1 < word.length; at++) if (word.ids[at] === left && word.ids[at + 1] === right) return true;
  return false;
}

/** Pairs by count, the largest first, and then by key. Counts that fell are noticed only when their pair comes up. */
class PairHeap {
  readonly #keys: number[] = [];
  readonly #counts: number[] = [];

  push(key: number, count: number): void {
    this.#keys.push(key);
    this.#counts.push(count);
    for (let at = this.#keys.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes out the pair with the largest of the present `counts`. */
  pop(counts: ReadonlyMap<number, number>): number | undefined {
    while (this.#keys.length > 0) {
      const key = this.#keys[0]!;
      const stated = this.#counts[0]!;
      this.#removeFirst();
      const count = counts.get(key)!;
      if (count === stated) return key;
      // A pair whose count grew has a later entry of its own.
      if (count > 0 && count < stated) this.push(key, count);
    }
    return undefined;
  }

  #removeFirst(): void {
    const last = this.#keys.length - 1;
    this.#swap(0, last);
    this.#keys.pop();
    this.#counts.pop();
    for (let at = 0; ;) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < last && this.#isBefore(child, first)) first = child;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#counts[a]! - this.#counts[b]!;
    return difference > 0 || (difference === 0 && this.#keys[a]! < this.#keys[b]!);
  }

  #swap(a: number, b: number): void {
    const key = this.#keys[a]!;
    const count = this.#counts[a]!;
    this.#keys[a] = this.#keys[b]!;
    this.#counts[a] = this.#counts[b]!;
    this.#keys[b] = key;
    this.#counts[b] = count;
  }
}

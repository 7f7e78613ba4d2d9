/** Merging the pairs of one piece of text in the order of their ranks. */

/** The rank of a pair of ids, lowest first; undefined where the pair is not merged. */
export type RankOf = (left: number, right: number) => number | undefined;

// Below this length looking at all pairs after each merge is faster than keeping them in order.
const SHORT = 48;

/**
 * Joins the pair of the lowest rank, the leftmost of equals, until none is left. Changes the first `length` of `ids`, and
 * returns how many remain. Takes O(n log n) for long pieces: a text of one letter must not take hours.
 *
 * @param idOf the id that a pair of this rank becomes
 */
export function mergeByRank(ids: Int32Array, length: number, rankOf: RankOf, idOf: (rank: number) => number): number {
  return length <= SHORT ? mergeShort(ids, length, rankOf, idOf) : mergeLong(ids, length, rankOf, idOf);
}

function mergeShort(ids: Int32Array, length: number, rankOf: RankOf, idOf: (rank: number) => number): number {
  let left = length;
  for (;;) {
    let lowest = Infinity;
    let place = 0;
    for (let at = 0; at + 1 < left; at++) {
      const rank = rankOf(ids[at]!, ids[at + 1]!);
      if (rank !== undefined && rank < lowest) {
        lowest = rank;
        place = at;
      }
    }
    if (lowest === Infinity) return left;
    ids[place] = idOf(lowest);
    ids.copyWithin(place + 1, place + 2, left);
    left--;
  }
}

function mergeLong(ids: Int32Array, length: number, rankOf: RankOf, idOf: (rank: number) => number): number {
  const next = Int32Array.from({ length }, (_, at) => at + 1);
  const previous = Int32Array.from({ length }, (_, at) => at - 1);
  // One number per waiting pair: its rank, then its place. Both stay below 2²⁶.
  const heap: number[] = [];
  const wait = (at: number): void => {
    if (at < 0 || next[at]! >= length) return;
    const rank = rankOf(ids[at]!, ids[next[at]!]!);
    if (rank !== undefined) push(heap, rank * 2 ** 26 + at);
  };
  for (let at = 0; at + 1 < length; at++) wait(at);
  for (let entry = pop(heap); entry !== undefined; entry = pop(heap)) {
    const at = entry % 2 ** 26;
    const rank = Math.floor(entry / 2 ** 26);
    const right = next[at]!;
    // The pair may be gone: its left part was joined to what precedes it (−1), or either part has grown.
    if (ids[at]! < 0 || right >= length || rankOf(ids[at]!, ids[right]!) !== rank) continue;
    ids[at] = idOf(rank);
    ids[right] = -1;
    next[at] = next[right]!;
    if (next[at]! < length) previous[next[at]!] = at;
    wait(previous[at]!);
    wait(at);
  }
  let kept = 0;
  for (let at = 0; at < length; at = next[at]!) ids[kept++] = ids[at]!;
  return kept;
}

function push(heap: number[], entry: number): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= entry) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: number[]): number | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (heap.length === 0 || last === undefined) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}

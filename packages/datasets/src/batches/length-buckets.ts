/**
 * Where to cut lengths into buckets so that padding is least. Every pair is padded to its bucket's bound, so a bucket from
 * length a to length b costs b times its pairs; the best cuts are found by trying all last ones (dynamic programming).
 *
 * @param lengths of the pairs, whole numbers of at least 1
 * @param count the most buckets
 * @returns the bounds, ascending; the last is the largest length
 */
export function bucketBounds(lengths: ArrayLike<number>, count: number): number[] {
  const pairsOf = new Map<number, number>();
  for (let index = 0; index < lengths.length; index++) {
    pairsOf.set(lengths[index]!, (pairsOf.get(lengths[index]!) ?? 0) + 1);
  }
  const distinct = [...pairsOf.keys()].toSorted((a, b) => a - b);
  // upTo[i]: pairs with one of the first i distinct lengths.
  const upTo = [0];
  for (const length of distinct) upTo.push(upTo.at(-1)! + pairsOf.get(length)!);

  // cost[i]: of the best buckets for the first i distinct lengths; cuts[k][i]: where the last of k + 1 buckets begins.
  let cost = upTo.map((pairs, index) => (index === 0 ? 0 : pairs * distinct[index - 1]!));
  const cuts: number[][] = [upTo.map(() => 0)];
  for (let bucket = 1; bucket < Math.min(count, distinct.length); bucket++) {
    const next = [...cost];
    const cut = upTo.map((_, end) => end);
    for (let end = 1; end <= distinct.length; end++) {
      for (let start = 0; start < end; start++) {
        const total = cost[start]! + (upTo[end]! - upTo[start]!) * distinct[end - 1]!;
        if (total < next[end]! || (start === 0 && total === next[end]!)) {
          next[end] = total;
          cut[end] = start;
        }
      }
    }
    cost = next;
    cuts.push(cut);
  }
  const bounds: number[] = [];
  let end = distinct.length;
  for (const cut of cuts.toReversed()) {
    // A cut at the end itself: one bucket less was as good.
    if (end === 0 || cut[end] === end) continue;
    bounds.unshift(distinct[end - 1]!);
    end = cut[end]!;
  }
  return bounds;
}

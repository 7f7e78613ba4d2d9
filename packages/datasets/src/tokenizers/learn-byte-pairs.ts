/**
 * Byte-pair encoding. Sennrich et al. 2016, "Neural machine translation of rare words with subword units", section 3.2:
 * start from single characters, here the bytes of UTF-8; join the most frequent pair of neighbours into a new token; repeat.
 */
import { BytePairTokenizer } from './byte-pair.ts';
import { FIRST_BYTE, FIRST_MERGE } from './byte-pair-ids.ts';
import { type CountedWord, learnMerges } from './learn-merges.ts';
import { piecesOf } from './pieces.ts';

/** Options of {@link learnBytePairs}. */
export interface LearnBytePairsOptions {
  /** How many merges are learned at most. */
  merges: number;
  /** Pairs that occur less often are not merged. Default 2. */
  minimumCount?: number;
}

/**
 * Learns merges from a corpus. Ties are decided by the ids: of equally frequent pairs the one with the smaller first id
 * is merged, and of these the one with the smaller second id; so the same corpus makes the same tokenizer, in any order
 * of its sentences.
 *
 * @param corpus sentences; for a vocabulary that two languages share, those of both
 * @throws when the number of merges or the minimum count is not a whole number of at least 0 or 1, or there is no text
 */
export function learnBytePairs(corpus: Iterable<string>, options: LearnBytePairsOptions): BytePairTokenizer {
  const { merges: mergeCount, minimumCount = 2 } = options;
  if (!Number.isSafeInteger(mergeCount) || mergeCount < 0) {
    throw new Error(`learnBytePairs: ${mergeCount} merges were asked for; give a whole number of at least 0.`);
  }
  if (!Number.isSafeInteger(minimumCount) || minimumCount < 1) {
    throw new Error(`learnBytePairs: the minimum count ${minimumCount} arrived; give a whole number of at least 1.`);
  }
  const words = countWords(corpus);
  if (words.length === 0) throw new Error('learnBytePairs: the corpus has no text; give sentences.');
  let made = 0;
  const idOf = (): number | undefined => (made < mergeCount ? FIRST_MERGE + made++ : undefined);
  return new BytePairTokenizer(learnMerges(words, { minimumCount, idOf }));
}

function countWords(corpus: Iterable<string>): CountedWord[] {
  const occurrences = new Map<string, number>();
  for (const sentence of corpus) {
    for (const piece of piecesOf(sentence)) occurrences.set(piece, (occurrences.get(piece) ?? 0) + 1);
  }
  const encoder = new TextEncoder();
  return Array.from(occurrences, ([piece, count]) => {
    const ids = Int32Array.from(encoder.encode(piece), (byte) => FIRST_BYTE + byte);
    return { ids, length: ids.length, count };
  });
}

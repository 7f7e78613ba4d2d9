/** Perplexity as published scripts for Multi30k print it: not per token, but per batch. */

/** One sentence pair that was scored. */
export interface ScoredSentence {
  /** Σ −ln p over its target tokens. */
  loss: number;
  /** How many target tokens were summed. */
  tokens: number;
  /** Tokens without start and end token. */
  sourceLength: number;
  targetLength: number;
}

/**
 * exp(mean over batches of the batch's mean loss per token), batches of pairs sorted by the interleaved bits of their two
 * lengths, as torchtext's `BucketIterator` makes them for validation. Short sentences, of which a batch has fewer tokens,
 * count for more than in the mean over all tokens; on Multi30k this is 5 to 7 % lower. It is here to be compared with
 * figures that were printed this way.
 *
 * @param sentences at least one
 * @param batchSize pairs per batch; the last may have fewer
 */
export function batchMeanPerplexity(sentences: readonly ScoredSentence[], batchSize = 128): number {
  const sorted = sentences.toSorted((left, right) => interleavedLengths(left) - interleavedLengths(right));
  let sum = 0;
  let batches = 0;
  for (let start = 0; start < sorted.length; start += batchSize, batches++) {
    const batch = sorted.slice(start, start + batchSize);
    const [loss, tokens] = batch.reduce(([l, n], sentence) => [l + sentence.loss, n + sentence.tokens], [0, 0]);
    sum += loss! / tokens!;
  }
  return Math.exp(sum / batches);
}

/** Bits of both lengths in turn, the source's first: pairs that are near each other have like lengths on both sides. */
function interleavedLengths({ sourceLength, targetLength }: ScoredSentence): number {
  let key = 0;
  for (let bit = 15; bit >= 0; bit--) {
    key = key * 4 + 2 * ((sourceLength >> bit) & 1) + ((targetLength >> bit) & 1);
  }
  return key;
}

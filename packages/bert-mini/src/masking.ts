/**
 * Hiding words. Devlin et al. 2018, section 3.1, task 1, and appendix A.1: 15 % of the tokens are to be guessed; of these
 * 80 % become [MASK], 10 % another word, and 10 % stay, since [MASK] never occurs in fine-tuning.
 */
import type { Random } from '@milestones/core';

/** How {@link maskTokens} hides. */
export interface MaskingOptions {
  /** Share of the tokens to be guessed. */
  rate: number;
  /** How many are guessed in a sequence at most: `ceil(rate · length)` keeps shapes fixed. */
  most: number;
  mask: number;
  vocabularySize: number;
  /** Whether a token is never hidden, such as [CLS]. */
  isFixed: (id: number) => boolean;
}

/** One sequence with hidden words. */
export interface MaskedTokens {
  tokens: Int32Array;
  /** Places of the words to be guessed, rising. */
  places: number[];
  /** What stood there. */
  labels: number[];
}

/** Hides words of a sequence; the same random stream hides the same. At least one word is hidden where there is one. */
export function maskTokens(ids: Int32Array, random: Random, options: MaskingOptions): MaskedTokens {
  const { rate, most, mask, vocabularySize, isFixed } = options;
  const open: number[] = [];
  ids.forEach((id, place) => {
    if (!isFixed(id)) open.push(place);
  });
  const count = Math.min(most, open.length, Math.max(1, Math.round(rate * ids.length)));
  const order = random.permutation(open.length);
  const places = Array.from({ length: count }, (_, index) => open[order[index]!]!).sort((a, b) => a - b);
  const tokens = Int32Array.from(ids);
  const labels = places.map((place) => {
    const draw = random.uniform();
    if (draw < 0.8) tokens[place] = mask;
    else if (draw < 0.9) tokens[place] = random.integer(vocabularySize);
    return ids[place]!;
  });
  return { tokens, places, labels };
}

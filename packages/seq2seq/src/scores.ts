/** How good translations are: exact ones, BLEU, and BLEU by the length of the source. */
import { bleu, type BleuScore } from '@milestones/core';
import { specialTokens, type TokenPairs } from '@milestones/datasets';
import type { DecodeOptions, SentenceDecoder } from './decode.ts';
import type { TextPair } from './text-pair.ts';

/** Translations of some pairs, and how they compare with the references. */
export interface Scores {
  /** Percent of the sentences whose translation is the reference, token by token. */
  exact: number;
  /** Of lower-cased text on tokens of the reference's tokenizer, see {@link translationScores}. */
  bleu: BleuScore;
  /** Text of each translation, in the order of the pairs. */
  hypotheses: string[];
}

/**
 * Translates sources without looking at the references, and compares.
 *
 * BLEU is that of running text in sacreBLEU's tokenization (13a). References are `references` as they were published, in
 * lower case where the model writes lower case.
 */
export async function translationScores(
  decoder: SentenceDecoder,
  pairs: TokenPairs,
  references: readonly string[],
  text: TextPair,
  options: DecodeOptions & { lowercase: boolean },
): Promise<Scores> {
  const found = await decoder.decode(pairs.source, options);
  const translations = found.map(([best]) => best!.tokens);
  const exact = translations.filter((tokens, index) => isReference(tokens, pairs.target[index]!)).length;
  const hypotheses = translations.map((tokens) => text.target.decode(tokens));
  return {
    exact: (100 * exact) / translations.length,
    bleu: bleu(hypotheses, references, { lowercase: options.lowercase }),
    hypotheses,
  };
}

/** Sentences of like source length, and the BLEU of their translations. */
export interface LengthScore {
  /** Source tokens without the end token, from and to. */
  from: number;
  to: number;
  sentences: number;
  bleu: number;
}

/** BLEU by the length of the source, in `buckets` groups of about as many sentences each. */
export function scoresByLength(
  pairs: TokenPairs,
  hypotheses: readonly string[],
  references: readonly string[],
  options: { lowercase: boolean; buckets?: number },
): LengthScore[] {
  const { lowercase, buckets = 5 } = options;
  const lengths = pairs.source.map((tokens) => tokens.length - 1);
  const sorted = lengths.toSorted((a, b) => a - b);
  const bounds = Array.from({ length: buckets }, (_, index) =>
    index === buckets - 1 ? sorted.at(-1)! : sorted[Math.floor(((index + 1) * sorted.length) / buckets)]! - 1,
  );
  let from = sorted[0]!;
  return bounds.flatMap((to) => {
    const members = lengths.flatMap((length, index) => (length >= from && length <= to ? [index] : []));
    const start = from;
    from = Math.max(from, to + 1);
    if (members.length === 0) return [];
    const own = (texts: readonly string[]): string[] => members.map((index) => texts[index]!);
    const { score } = bleu(own(hypotheses), own(references), { lowercase });
    return [{ from: start, to, sentences: members.length, bleu: score }];
  });
}

/** `target` stands between start and end token. */
function isReference(tokens: readonly number[], target: ArrayLike<number>): boolean {
  return target[tokens.length + 1] === specialTokens.end && tokens.every((token, index) => token === target[index + 1]);
}

/** Scores of finished translations. */
import { bleu } from '@milestones/core';

/** What {@link scoreTranslations} returns. */
export interface TranslationScore {
  /** BLEU of the words that the caller splits text into. */
  bleu: number;
  /** BLEU of plain text in lower case, by sacreBLEU's own tokens, 13a. */
  bleu13a: number;
  /** Translations that are their reference, in percent. Case does not count. */
  exact: number;
  /** How the two scores were made, in the style of sacreBLEU. */
  signatures: string[];
}

/**
 * BLEU twice: on the tokens that a model was trained on, as small published experiments report it, and on plain text.
 * The two differ by some points, so they are compared with like alone.
 *
 * @param wordsOf splits a text into words
 */
export function scoreTranslations(
  hypotheses: readonly string[],
  references: readonly string[],
  wordsOf: (text: string) => string[],
): TranslationScore {
  const tokenized = (texts: readonly string[]): string[] => texts.map((text) => wordsOf(text).join(' '));
  const words = bleu(tokenized(hypotheses), tokenized(references), { tokenize: 'none' });
  const plain = bleu([...hypotheses], [...references], { lowercase: true });
  const same = hypotheses.filter((text, index) => text.toLowerCase() === references[index]!.toLowerCase());
  return {
    bleu: words.score,
    bleu13a: plain.score,
    exact: (100 * same.length) / hypotheses.length,
    signatures: [words.signature, plain.signature],
  };
}

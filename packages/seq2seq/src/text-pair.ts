/** What a model needs to read and write text: the tokenizers of its two languages. */
import {
  specialTokens,
  tokenizerFromJSON,
  withStartAndEnd,
  type ParallelText,
  type Tokenizer,
  type TokenPairs,
} from '@milestones/datasets';

/** Two languages, or source and target of a task, with their tokenizers. */
export class TextPair {
  /** As in `de`; empty where the text is of no language. */
  readonly sourceLanguage: string;
  readonly targetLanguage: string;
  readonly source: Tokenizer;
  readonly target: Tokenizer;

  constructor(options: { sourceLanguage: string; targetLanguage: string; source: Tokenizer; target: Tokenizer }) {
    this.sourceLanguage = options.sourceLanguage;
    this.targetLanguage = options.targetLanguage;
    this.source = options.source;
    this.target = options.target;
  }

  /** What {@link toJSON} described. @throws when it is something else */
  static fromJSON(json: unknown): TextPair {
    const { sourceLanguage, targetLanguage, source, target } = (json ?? {}) as Record<string, unknown>;
    if (typeof sourceLanguage !== 'string' || typeof targetLanguage !== 'string') {
      throw new Error(
        'TextPair: the vocabularies do not name their languages; give what toJSON() returned, ' +
          '{ sourceLanguage: "…", targetLanguage: "…", source: {…}, target: {…} }.',
      );
    }
    return new TextPair({
      sourceLanguage,
      targetLanguage,
      source: tokenizerFromJSON(source),
      target: tokenizerFromJSON(target),
    });
  }

  /**
   * Tokens of a source sentence and the end token. Reversed, the words come last to first and the end token stays at the
   * end: it marks where the sentence stops, for a long one as for a short one (section 3.3).
   */
  encodeSource(text: string, reverse: boolean): Int32Array {
    const ids = this.source.encode(text);
    if (reverse) ids.reverse();
    return Int32Array.from([...ids, specialTokens.end]);
  }

  /** Tokens of a target sentence between start and end token. */
  encodeTarget(text: string): Int32Array {
    return withStartAndEnd(this.target.encode(text));
  }

  /** The pairs of a text as token sequences. */
  encodePairs(text: ParallelText, reverse: boolean): TokenPairs {
    return {
      source: text.source.map((sentence) => this.encodeSource(sentence, reverse)),
      target: text.target.map((sentence) => this.encodeTarget(sentence)),
    };
  }

  /** Plain JSON that {@link fromJSON} reads. */
  toJSON(): unknown {
    const { sourceLanguage, targetLanguage, source, target } = this;
    return { sourceLanguage, targetLanguage, source: source.toJSON(), target: target.toJSON() };
  }
}

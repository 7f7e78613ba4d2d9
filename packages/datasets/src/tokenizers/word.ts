import { type RuleLanguage, detokenize, ruleTokenize } from './rule-tokenize.ts';
import type { Tokenizer } from './tokenizer.ts';
import { WordVocabulary, type WordVocabularyOptions } from './word-vocabulary.ts';

/**
 * How a text is split into words: by the rules of a language, at white space, or into single characters (white space is
 * then a character too).
 */
export type WordSplit = RuleLanguage | 'spaces' | 'characters';

/** Options of {@link WordTokenizer.learn}. */
export interface WordTokenizerOptions extends WordVocabularyOptions {
  /** What the words are. */
  split: WordSplit;
  /** Whether words become lower case. Default false. */
  lowercase?: boolean;
}

/** A {@link WordTokenizer} as plain JSON. */
export interface WordTokenizerJSON {
  type: 'word';
  split: WordSplit;
  lowercase: boolean;
  words: string[];
}

/** Text to the ids of its words, and back; see `WordVocabulary` for the ids and `ruleTokenize` for the words. */
export class WordTokenizer implements Tokenizer {
  readonly vocabulary: WordVocabulary;
  readonly split: WordSplit;
  readonly lowercase: boolean;

  /** @throws when there is no such way to split */
  constructor(vocabulary: WordVocabulary, options: { split: WordSplit; lowercase?: boolean }) {
    const { split, lowercase = false } = options;
    if (!['en', 'de', 'spaces', 'characters'].includes(split)) {
      throw new Error(
        `word tokenizer: the split ${JSON.stringify(split)} arrived; choose 'en', 'de', 'spaces' or 'characters'.`,
      );
    }
    this.vocabulary = vocabulary;
    this.split = split;
    this.lowercase = lowercase;
  }

  /** The tokenizer whose vocabulary is that of `texts`. */
  static learn(texts: Iterable<string>, options: WordTokenizerOptions): WordTokenizer {
    const { split, lowercase = false, ...which } = options;
    const empty = new WordTokenizer(new WordVocabulary([]), { split, lowercase });
    const sentences = Array.from(texts, (text) => empty.wordsOf(text));
    return new WordTokenizer(WordVocabulary.fromSentences(sentences, which), { split, lowercase });
  }

  /**
   * The tokenizer that {@link toJSON} described.
   *
   * @throws when `json` is something else
   */
  static fromJSON(json: unknown): WordTokenizer {
    const { type, split, lowercase, words } = (json ?? {}) as Partial<WordTokenizerJSON>;
    if (type !== 'word' || split === undefined || typeof lowercase !== 'boolean') {
      throw new Error(
        `word tokenizer: something of type ${JSON.stringify(type)} arrived; ` +
          'give what toJSON() returned, { type: "word", split: "…", lowercase: …, words: ["…", …] }.',
      );
    }
    return new WordTokenizer(WordVocabulary.fromJSON({ type: 'words', words }), { split, lowercase });
  }

  get vocabularySize(): number {
    return this.vocabulary.size;
  }

  /** The words of `text`, known or not. */
  wordsOf(text: string): string[] {
    const words = this.#split(text);
    // Afterwards: the rules look at capitals.
    return this.lowercase ? words.map((word) => word.toLowerCase()) : words;
  }

  /** The ids of the words of `text`, without start and end token. */
  encode(text: string): Int32Array {
    return this.vocabulary.encode(this.wordsOf(text));
  }

  /** Running text of `ids`, without padding, start and end token; what was unknown is `<unk>`. */
  decode(ids: ArrayLike<number>): string {
    const words = this.vocabulary.decode(ids);
    if (this.split === 'characters') return words.join('');
    return this.split === 'spaces' ? words.join(' ') : detokenize(words, this.split);
  }

  toJSON(): WordTokenizerJSON {
    const { split, lowercase } = this;
    return { type: 'word', split, lowercase, words: [...this.vocabulary.words] };
  }

  #split(text: string): string[] {
    if (this.split === 'characters') return [...text];
    if (this.split === 'spaces') return text.split(/\s+/u).filter((word) => word !== '');
    return ruleTokenize(text, this.split);
  }
}

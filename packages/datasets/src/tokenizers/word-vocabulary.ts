import { specialNames, specialTokens } from './special-tokens.ts';

/** Which words a vocabulary takes. */
export interface WordVocabularyOptions {
  /** Words that occur less often are left out. Default 1. */
  minimumCount?: number;
  /** The most words, the special tokens not counted; the most frequent are kept. Default: all. */
  maximumWords?: number;
}

/** A {@link WordVocabulary} as plain JSON. */
export interface WordVocabularyJSON {
  type: 'words';
  /** In the order of their ids, which begin at 4. */
  words: string[];
}

/**
 * One id per word: the four special tokens, then the words by how often they occur, those that occur equally often in the
 * order of their code units. All other words are `specialTokens.unknown`.
 */
export class WordVocabulary {
  /** The words without the special tokens; `words[i]` has the id 4 + i. */
  readonly words: readonly string[];
  readonly #ids: Map<string, number>;

  /**
   * @param words in the order of their ids
   * @throws when a word is empty, comes twice or is written like a special token
   */
  constructor(words: readonly string[]) {
    this.words = words;
    this.#ids = new Map(words.map((word, index) => [word, specialNames.length + index]));
    const wrong = words.findIndex(
      (word, index) =>
        typeof word !== 'string' ||
        word === '' ||
        specialNames.includes(word) ||
        this.#ids.get(word) !== index + specialNames.length,
    );
    if (wrong >= 0) {
      throw new Error(
        `word vocabulary: word ${wrong} is ${JSON.stringify(words[wrong])}; words are not empty, come once, and are not ` +
          `written like the special tokens ${specialNames.join(' ')}. Restore the file that they came from.`,
      );
    }
  }

  /**
   * The vocabulary of sentences that are split into words.
   *
   * @throws when an option is out of range
   */
  static fromSentences(sentences: Iterable<readonly string[]>, options: WordVocabularyOptions = {}): WordVocabulary {
    const { minimumCount = 1, maximumWords = Infinity } = options;
    if (!Number.isSafeInteger(minimumCount) || minimumCount < 1) {
      throw new Error(`word vocabulary: the minimum count ${minimumCount} arrived; give a whole number of at least 1.`);
    }
    if (maximumWords !== Infinity && (!Number.isSafeInteger(maximumWords) || maximumWords < 0)) {
      throw new Error(
        `word vocabulary: at most ${maximumWords} words were asked for; give a whole number of at least 0.`,
      );
    }
    const counts = new Map<string, number>();
    for (const sentence of sentences) for (const word of sentence) counts.set(word, (counts.get(word) ?? 0) + 1);
    const words = [...counts]
      .filter(([word, count]) => count >= minimumCount && word !== '' && !specialNames.includes(word))
      .toSorted(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
      .map(([word]) => word);
    return new WordVocabulary(words.slice(0, maximumWords));
  }

  /**
   * The vocabulary that {@link toJSON} described.
   *
   * @throws when `json` is something else
   */
  static fromJSON(json: unknown): WordVocabulary {
    const { type, words } = (json ?? {}) as Partial<WordVocabularyJSON>;
    if (type !== 'words' || !Array.isArray(words)) {
      throw new Error(
        `word vocabulary: something of type ${JSON.stringify(type)} arrived; ` +
          'give what toJSON() returned, { type: "words", words: ["…", …] }.',
      );
    }
    return new WordVocabulary(words);
  }

  /** Number of ids, the special tokens included. */
  get size(): number {
    return specialNames.length + this.words.length;
  }

  /** The ids of `words`, without start and end token. */
  encode(words: readonly string[]): Int32Array {
    return Int32Array.from(words, (word) => this.#ids.get(word) ?? specialTokens.unknown);
  }

  /**
   * The words of `ids`. Padding, start and end token are left out; what was unknown is `<unk>`.
   *
   * @throws at the first id outside 0 to `size` − 1
   */
  decode(ids: ArrayLike<number>): string[] {
    const words: string[] = [];
    for (let position = 0; position < ids.length; position++) {
      const id = ids[position]!;
      const word = id === specialTokens.unknown ? specialNames[id] : this.words[id - specialNames.length];
      if (word !== undefined) {
        words.push(word);
      } else if (specialNames[id] === undefined) {
        throw new Error(
          `word vocabulary: the id ${id} at position ${position} is not in the vocabulary; ` +
            `give whole numbers from 0 to ${this.size - 1}.`,
        );
      }
    }
    return words;
  }

  toJSON(): WordVocabularyJSON {
    return { type: 'words', words: [...this.words] };
  }
}

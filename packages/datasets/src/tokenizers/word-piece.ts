import { basicWords } from './basic-words.ts';
import { type SpecialTokenOptions, splitAtSpecials } from './special-text.ts';
import { tokensById } from './token-ids.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The names of the tokens that BERT's inputs are framed with. */
export const wordPieceSpecials = {
  padding: '[PAD]',
  unknown: '[UNK]',
  start: '[CLS]',
  separator: '[SEP]',
  mask: '[MASK]',
} as const;

/** A {@link WordPieceTokenizer} as plain JSON. */
export interface WordPieceTokenizerJSON {
  type: 'word-piece';
  /** The tokens in the order of their ids. */
  vocabulary: string[];
  lowerCase: boolean;
  stripAccents: boolean;
  splitChinese: boolean;
}

/** Options of {@link WordPieceTokenizer}. */
export interface WordPieceTokenizerOptions {
  /** Lower-cases text: for uncased vocabularies. Default true. */
  lowerCase?: boolean;
  /** Strips accents. Default: as `lowerCase`. */
  stripAccents?: boolean;
  /** Lets each Chinese character stand alone. Default true. */
  splitChinese?: boolean;
}

/** One or two texts as BERT reads them. */
export interface FramedText {
  /** `[CLS] first [SEP]`, or `[CLS] first [SEP] second [SEP]`. */
  ids: Int32Array;
  /** 0 up to the first `[SEP]`, 1 behind it. */
  segments: Int32Array;
  /** How many tokens were left out so that the rest fits. */
  truncated: number;
}

/** Options of {@link WordPieceTokenizer.frame}. */
export interface FrameOptions extends SpecialTokenOptions {
  /** Most ids, the framing ones included. Default: all. */
  maximumLength?: number;
}

// A longer word is [UNK], as in the release.
const LONGEST_WORD = 100;
const KEPT_WORDS = 1 << 16;

/**
 * WordPiece: a word is the longest token it begins with, then the longest token with `##` that the rest begins with, and so
 * on; a word that cannot be written so is one `[UNK]`. Wu et al. 2016, section 4.1; Devlin et al. 2018, section 3.
 */
export class WordPieceTokenizer implements Tokenizer {
  readonly lowerCase: boolean;
  readonly stripAccents: boolean;
  readonly splitChinese: boolean;
  /** Ids of the five special tokens. */
  readonly special: Readonly<Record<keyof typeof wordPieceSpecials, number>>;
  readonly #tokens: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #specials: ReadonlyMap<string, number>;
  readonly #longest: number;
  readonly #words = new Map<string, readonly number[]>();

  /**
   * @param vocabulary the tokens in the order of their ids, as the lines of `vocab.txt`
   * @throws when a token comes twice, or one of the five special tokens is missing
   */
  constructor(vocabulary: readonly string[], options: WordPieceTokenizerOptions = {}) {
    const { lowerCase = true, stripAccents = lowerCase, splitChinese = true } = options;
    this.lowerCase = lowerCase;
    this.stripAccents = stripAccents;
    this.splitChinese = splitChinese;
    const ids = new Map<string, number>();
    for (const [id, token] of vocabulary.entries()) {
      const before = ids.get(token);
      if (before !== undefined) {
        throw new Error(
          `word-piece tokenizer: the token ${JSON.stringify(token)} has the ids ${before} and ${id}; restore the vocabulary's file.`,
        );
      }
      ids.set(token, id);
    }
    const special = {} as Record<keyof typeof wordPieceSpecials, number>;
    for (const [key, name] of Object.entries(wordPieceSpecials)) {
      const id = ids.get(name);
      if (id === undefined) {
        throw new Error(
          `word-piece tokenizer: the vocabulary of ${vocabulary.length} tokens has no ${name}; give BERT's vocab.txt, ` +
            `or one with all of ${Object.values(wordPieceSpecials).join(' ')}.`,
        );
      }
      special[key as keyof typeof wordPieceSpecials] = id;
    }
    this.special = special;
    this.#tokens = vocabulary;
    this.#ids = ids;
    this.#specials = new Map(Object.values(wordPieceSpecials).map((name) => [name, ids.get(name)!]));
    this.#longest = vocabulary.reduce((longest, token) => Math.max(longest, token.length), 0);
  }

  /** The tokenizer that {@link toJSON} described. @throws when `json` is something else */
  static fromJSON(json: unknown): WordPieceTokenizer {
    const { type, vocabulary, ...options } = (json ?? {}) as Partial<WordPieceTokenizerJSON>;
    if (type !== 'word-piece' || !Array.isArray(vocabulary) || vocabulary.some((token) => typeof token !== 'string')) {
      throw new Error(
        `word-piece tokenizer: something of type ${JSON.stringify(type)} arrived; give what toJSON() returned.`,
      );
    }
    return new WordPieceTokenizer(vocabulary, options);
  }

  /** The tokenizer of a vocabulary that gives each token's id. @throws when the ids are not 0, 1, 2, … */
  static fromIds(ids: Readonly<Record<string, number>>, options: WordPieceTokenizerOptions = {}): WordPieceTokenizer {
    return new WordPieceTokenizer(tokensById(new Map(Object.entries(ids))), options);
  }

  get vocabularySize(): number {
    return this.#tokens.length;
  }

  /** The words that text is cut into before they are looked up. */
  words(text: string): string[] {
    return basicWords(text, this);
  }

  /** The ids of `text`, without `[CLS]` and `[SEP]`; see {@link frame}. */
  encode(text: string, options: SpecialTokenOptions = {}): Int32Array {
    const parts = options.specialTokens === 'token' ? splitAtSpecials(text, this.#specials) : [text];
    const ids: number[] = [];
    for (const part of parts) {
      if (typeof part === 'number') ids.push(part);
      else for (const word of this.words(part)) for (const id of this.#encodeWord(word)) ids.push(id);
    }
    return Int32Array.from(ids);
  }

  /**
   * One text or a pair as BERT reads it: `[CLS] first [SEP]` or `[CLS] first [SEP] second [SEP]`. What is too long for
   * `maximumLength` loses tokens at its end, one at a time from the longer of the two (from the second where both are equal),
   * as in the release.
   */
  frame(first: string, second?: string, options: FrameOptions = {}): FramedText {
    const a = this.encode(first, options);
    const b = second === undefined ? undefined : this.encode(second, options);
    const framing = b === undefined ? 2 : 3;
    const { maximumLength = Infinity } = options;
    if (maximumLength < framing + 1) {
      throw new Error(
        `frame: a maximum length of ${maximumLength} arrived; ${framing} ids frame the text, give at least ${framing + 1}.`,
      );
    }
    let [lengthA, lengthB] = [a.length, b?.length ?? 0];
    let truncated = 0;
    for (; lengthA + lengthB + framing > maximumLength; truncated++) {
      if (lengthA > lengthB) lengthA--;
      else lengthB--;
    }
    const { start, separator } = this.special;
    const ids = new Int32Array(lengthA + lengthB + framing);
    const segments = new Int32Array(ids.length);
    ids[0] = start;
    ids.set(a.subarray(0, lengthA), 1);
    ids[lengthA + 1] = separator;
    if (b !== undefined) {
      ids.set(b.subarray(0, lengthB), lengthA + 2);
      ids[ids.length - 1] = separator;
      segments.fill(1, lengthA + 2);
    }
    return { ids, segments, truncated };
  }

  /**
   * The words of `ids`, with spaces between them. `[CLS]`, `[SEP]` and `[PAD]` have no text. Case, accents and the original
   * spaces are lost in encoding and do not come back.
   *
   * @throws at the first id outside 0 to `vocabularySize` − 1
   */
  decode(ids: ArrayLike<number>): string {
    const { padding, start, separator } = this.special;
    let text = '';
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at]!;
      const token = this.token(id);
      if (id === padding || id === start || id === separator) continue;
      if (token.startsWith('##')) text += token.slice(2);
      else text += text === '' ? token : ` ${token}`;
    }
    return text;
  }

  /** One token as it is written in the vocabulary. @throws when there is none with this id */
  token(id: number): string {
    const token = this.#tokens[id];
    if (token === undefined) {
      throw new Error(
        `word-piece tokenizer: the id ${id} is not in the vocabulary; give whole numbers from 0 to ${this.vocabularySize - 1}.`,
      );
    }
    return token;
  }

  /** The tokens in the order of their ids. */
  vocabulary(): readonly string[] {
    return this.#tokens;
  }

  toJSON(): WordPieceTokenizerJSON {
    const { lowerCase, stripAccents, splitChinese } = this;
    return { type: 'word-piece', vocabulary: [...this.#tokens], lowerCase, stripAccents, splitChinese };
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    const ids = this.#pieces(word) ?? [this.special.unknown];
    if (this.#words.size === KEPT_WORDS) this.#words.clear();
    if (word.length <= LONGEST_WORD) this.#words.set(word, ids);
    return ids;
  }

  /** Greedy longest match; undefined where no token fits, or the word is too long. */
  #pieces(word: string): number[] | undefined {
    // 100 code points are at most 200 code units.
    if (word.length > 2 * LONGEST_WORD || (word.length > LONGEST_WORD && [...word].length > LONGEST_WORD)) {
      return undefined;
    }
    const ids: number[] = [];
    for (let start = 0; start < word.length;) {
      const prefix = start === 0 ? '' : '##';
      let end = Math.min(word.length, start + this.#longest);
      let id: number | undefined;
      for (; end > start; end--) {
        id = this.#ids.get(prefix + word.slice(start, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return undefined;
      ids.push(id);
      start = end;
    }
    return ids;
  }
}

import type { Tokenizer } from './tokenizer.ts';

/** A {@link CharacterTokenizer} as plain JSON. */
export interface CharacterTokenizerJSON {
  type: 'character';
  /** All characters, in the order of their ids. */
  vocabulary: string;
}

/**
 * One id per character, in the order of the characters' code points, so the same set of characters always makes the
 * same tokenizer. A character is a Unicode code point: those beyond U+FFFF, two code units of a JavaScript string, are
 * one character here.
 */
export class CharacterTokenizer implements Tokenizer {
  /** The characters in the order of their ids. */
  readonly vocabulary: readonly string[];
  readonly #ids: Map<string, number>;

  /**
   * @param characters the characters of the vocabulary; their order and repetitions do not matter
   */
  constructor(characters: Iterable<string>) {
    const distinct = new Set(characters);
    for (const character of distinct) {
      if (character.length === 0 || character.length !== String.fromCodePoint(character.codePointAt(0)!).length) {
        throw new Error(
          `character tokenizer: the entry ${JSON.stringify(character)} is not one character; give single characters, or a text.`,
        );
      }
    }
    if (distinct.size === 0) {
      throw new Error('character tokenizer: no characters arrived; give a text with at least one.');
    }
    // Not the default sort, which compares code units and would put U+FFFD behind the characters beyond U+FFFF.
    this.vocabulary = [...distinct].toSorted((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
    this.#ids = new Map(this.vocabulary.map((character, id) => [character, id]));
  }

  /** The tokenizer whose vocabulary is the characters of `text`. */
  static fromText(text: string): CharacterTokenizer {
    return new CharacterTokenizer(text);
  }

  /**
   * The tokenizer that {@link toJSON} described.
   *
   * @throws when `json` is something else, or its characters are repeated or out of order
   */
  static fromJSON(json: unknown): CharacterTokenizer {
    const { type, vocabulary } = (json ?? {}) as Partial<CharacterTokenizerJSON>;
    if (type !== 'character' || typeof vocabulary !== 'string') {
      throw new Error(
        `character tokenizer: ${shorten(JSON.stringify(json) ?? String(json))} arrived; ` +
          'give what toJSON() returned, { type: "character", vocabulary: "…" }.',
      );
    }
    const tokenizer = new CharacterTokenizer(vocabulary);
    if (tokenizer.vocabulary.join('') !== vocabulary) {
      throw new Error(
        `character tokenizer: the vocabulary ${shorten(JSON.stringify(vocabulary))} repeats characters or is not in ` +
          'the order of their code points, so its ids would change; restore the file it came from.',
      );
    }
    return tokenizer;
  }

  get vocabularySize(): number {
    return this.vocabulary.length;
  }

  /**
   * The ids of the characters of `text`.
   *
   * @throws at the first character outside the vocabulary, named with its code point and position (counted in
   *   characters, from 0)
   */
  encode(text: string): Int32Array {
    const ids = new Int32Array(text.length);
    let count = 0;
    for (const character of text) {
      const id = this.#ids.get(character);
      if (id === undefined) {
        const codePoint = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
        throw new Error(
          `character tokenizer: ${JSON.stringify(character)} (U+${codePoint}) at position ${count} is not among its ` +
            `${this.vocabularySize} characters, ${shorten(JSON.stringify(this.vocabulary.join('')))}; ` +
            'remove it, or build the tokenizer from a text that has it.',
        );
      }
      ids[count++] = id;
    }
    return count === ids.length ? ids : ids.slice(0, count);
  }

  /**
   * The text of `ids`.
   *
   * @throws at the first id outside 0 to `vocabularySize` − 1
   */
  decode(ids: ArrayLike<number>): string {
    const characters: string[] = [];
    for (let position = 0; position < ids.length; position++) {
      const character = this.vocabulary[ids[position]!];
      if (character === undefined) {
        throw new Error(
          `character tokenizer: the id ${ids[position]} at position ${position} is not in the vocabulary; ` +
            `give whole numbers from 0 to ${this.vocabularySize - 1}.`,
        );
      }
      characters.push(character);
    }
    return characters.join('');
  }

  toJSON(): CharacterTokenizerJSON {
    return { type: 'character', vocabulary: this.vocabulary.join('') };
  }
}

function shorten(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 117)}…`;
}

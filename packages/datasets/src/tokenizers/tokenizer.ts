/** What every tokenizer can do: text to numbers and back. */
export interface Tokenizer {
  /** How many different ids there are; ids run from 0 to `vocabularySize` − 1. */
  readonly vocabularySize: number;
  /** The ids of `text`, in order. */
  encode(text: string): Int32Array;
  /** The text of `ids`. */
  decode(ids: ArrayLike<number>): string;
  /** All that is needed to build the tokenizer again, as plain JSON. */
  toJSON(): unknown;
}

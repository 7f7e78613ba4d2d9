/** The ids that mean no text, the same in all tokenizers for translation: they come first, so other ids begin at 4. */
export const specialTokens = {
  /** Fills sentences up to the length of their batch. */
  padding: 0,
  /** Stands for words that are not in the vocabulary. */
  unknown: 1,
  /** What a translation begins with. */
  start: 2,
  /** What ends a sentence. */
  end: 3,
} as const;

/** How the special tokens are written, in the order of their ids. */
export const specialNames: readonly string[] = ['<pad>', '<unk>', '<sos>', '<eos>'];

/** `ids` between the start and the end token. */
export function withStartAndEnd(ids: ArrayLike<number>): Int32Array {
  const framed = new Int32Array(ids.length + 2);
  framed[0] = specialTokens.start;
  framed.set(Array.from(ids), 1);
  framed[framed.length - 1] = specialTokens.end;
  return framed;
}

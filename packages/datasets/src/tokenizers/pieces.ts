/** How byte-pair encoding cuts a text before it merges anything: no token reaches across a cut. */

// A run of letters (with their combining marks) or of digits, or one other character, each with the space before it.
// Runs end after 64 characters, so that no text, however hostile, makes a piece that is slow to merge.
const PIECE = / ?[\p{L}\p{M}]{1,64}| ?\p{N}{1,64}| ?[^\s\p{L}\p{M}\p{N}]|\s/gu;

/**
 * The pieces of `text`, which joined are a space and `text`: each word carries the space before it, so a word is the same
 * piece wherever it stands, and what follows it does not matter. The first word gets a space too.
 */
export function piecesOf(text: string): string[] {
  // Halves of surrogate pairs are not text, and no bytes in UTF-8: they become U+FFFD.
  return text === '' ? [] : (` ${wellFormed(text)}`.match(PIECE) ?? []);
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** How a tokenizer with special tokens reads a text. */
export interface SpecialTokenOptions {
  /**
   * What the name of a special token in the text means: `text` (default), so that nobody's text can end a document or
   * open a new one, or `token`.
   */
  specialTokens?: 'text' | 'token';
}

/** `text` in parts: what lies between the names of special tokens, and the ids of these. Longer names go first. */
export function splitAtSpecials(text: string, specials: ReadonlyMap<string, number>): (string | number)[] {
  const names = [...specials.keys()].toSorted((a, b) => b.length - a.length);
  if (names.length === 0) return [text];
  const pattern = new RegExp(`(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|')})`);
  return text
    .split(pattern)
    .filter((part) => part !== '')
    .map((part) => specials.get(part) ?? part);
}

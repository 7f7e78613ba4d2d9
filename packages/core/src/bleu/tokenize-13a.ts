/**
 * The tokenization of mteval-v13a, the script that the WMT evaluations were scored with: what sacreBLEU (Post 2018) calls
 * `13a`. It is made for scoring, and knows Western punctuation only.
 */

// What Python calls white space: unlike \s it has U+001C to U+001F and U+0085, and not U+FEFF.
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACES = new RegExp(`[${SPACE}]+`, 'u');
const TRAILING_SPACES = new RegExp(`[${SPACE}]+$`, 'u');

const ENTITIES: readonly (readonly [string, string])[] = [
  ['&quot;', '"'],
  // In this order: `&amp;lt;` becomes `<`, as it does in the script.
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
];

const SPLITS: readonly (readonly [RegExp, string])[] = [
  // Every ASCII symbol except apostrophe, comma, hyphen and full stop is a token of its own.
  [/([ -&(-+/:-@[-`{-~])/gu, ' $1 '],
  // Full stop and comma are, unless digits stand on both sides: 3.5 and 1,000 stay whole.
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  // A hyphen is after a digit only: 1999-2000, but T-Shirt.
  [/([0-9])(-)/gu, '$1 $2 '],
];

/** The tokens of one line by the rules of mteval-v13a, entities such as `&quot;` resolved. */
export function tokenize13a(line: string): string[] {
  let text = line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  for (const [entity, character] of ENTITIES) text = text.replaceAll(entity, character);
  text = ` ${text} `;
  for (const [pattern, replacement] of SPLITS) text = text.replace(pattern, replacement);
  return splitAtSpaces(text);
}

/** The parts of `text` between white space. */
export function splitAtSpaces(text: string): string[] {
  return text.split(SPACES).filter((part) => part !== '');
}

/** `text` without the white space at its end. */
export function trimEnd(text: string): string {
  return text.replace(TRAILING_SPACES, '');
}

/**
 * How BERT cuts text into words before it looks them up. Devlin et al. 2018, as released (the basic tokenizer):
 * control characters go, CJK characters and punctuation stand alone, and uncased models see lower case without accents.
 */

/** How {@link basicWords} reads. */
export interface BasicWordOptions {
  /** Whether text is lower-cased: true for uncased models. */
  lowerCase: boolean;
  /** Whether accents are stripped. */
  stripAccents: boolean;
  /** Whether each Chinese character stands alone. */
  splitChinese: boolean;
}

// NUL, U+FFFD, and all control, format and private-use characters except tab, line feed and carriage return. Halves of
// surrogate pairs were made U+FFFD before.
const REMOVED = /(?![\t\n\r])[\0\ufffd\p{Cc}\p{Cf}\p{Co}]/gu;
const PLAIN = /^[\t\n\r\x20-\x7e]*$/;
// The blocks that the release lists: CJK ideographs and their extensions A to E, and compatibility ideographs. Japanese
// kana and Korean syllables are not among them: those languages are written in words or runs.
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
// All of ASCII that is neither letter nor digit counts as punctuation, $ + < = > ^ ` | ~ too.
const WORD =
  /[^\p{White_Space}\p{P}\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]+|[\p{P}\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]/gu;

/** The words of `text`, in order. */
export function basicWords(text: string, options: BasicWordOptions): string[] {
  let clean = text;
  if (!PLAIN.test(text)) {
    clean = text.replace(/\p{Surrogate}/gu, '\ufffd').replace(REMOVED, '');
    if (options.splitChinese) clean = clean.replace(CHINESE, ' $& ');
  }
  if (options.lowerCase) clean = clean.toLowerCase();
  if (options.stripAccents && !PLAIN.test(clean)) clean = clean.normalize('NFD').replace(/\p{Mn}/gu, '');
  return clean.match(WORD) ?? [];
}

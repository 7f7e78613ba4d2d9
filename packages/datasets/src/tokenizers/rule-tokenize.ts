/**
 * Words and punctuation by rules, for English and German: what a vocabulary of whole words is made from. The rules are
 * those that matter for captions and plain prose, after the conventions of spaCy: punctuation at the ends of a word is cut
 * off, English contractions are two words (do | n't, man | 's), English compounds are cut at hyphens (T | - | shirt) and
 * German ones are not (T-Shirt).
 */

/** The languages that have rules. */
export type RuleLanguage = 'en' | 'de';

const abbreviations: Readonly<Record<RuleLanguage, ReadonlySet<string>>> = {
  en: new Set(
    'a.m. p.m. e.g. i.e. vs. mr. mrs. ms. dr. st. jr. sr. prof. inc. ltd. co. corp. ave. mt. etc. no. u.s. u.k.'.split(
      ' ',
    ),
  ),
  de: new Set(
    'z.b. z.b d.h. u.a. o.ä. bzw. usw. etc. ca. dr. prof. hr. fr. st. nr. str. sog. evtl. ggf. inkl. vgl. u.s. mr. mrs. dipl. jh. tel.'.split(
      ' ',
    ),
  ),
};

// Alone on a line, these are punctuation at either end of a word; a hyphen is not, so that "-5" and "Ober-" stay whole.
const PUNCTUATION = '…,:;!?¿¡()\\[\\]{}<>_#*&"“”„‟\'‘’‚‛`´«»‹›§%=—–~|$£€¥';
const PREFIX = new RegExp(`^(?:\\.\\.+|\\+(?![0-9])|[${PUNCTUATION}])`, 'u');
const suffixes: Readonly<Record<RuleLanguage, RegExp>> = {
  en: new RegExp(`(?:['’](?:s|S|ll|re|ve|d|m|LL|RE|VE|D|M)|\\.\\.+|[${PUNCTUATION}])$`, 'u'),
  de: new RegExp(`(?:['’][sS]|\\.\\.+|[${PUNCTUATION}])$`, 'u'),
};
// A full stop after a lower-case letter, a digit, punctuation or two capitals ends a sentence; after a single capital it
// belongs to an initial.
const FULL_STOP = /(?<=[\p{Ll}0-9%²\-)\]"'”’»*]|\p{Lu}\p{Lu})\.$/u;
const NEGATION = /^(.+)(n['’]t)$/iu;
const infixes: Readonly<Record<RuleLanguage, RegExp>> = {
  en: /\.\.+|…|(?<=[0-9])[+*^-](?=[0-9-])|(?<=[\p{Ll}"'])\.(?=[\p{Lu}"'])|(?<=\p{L}),(?=\p{L})|(?<=[\p{L}0-9])(?:--|[-–—~])(?=\p{L})|(?<=[\p{L}0-9])[:<>=/](?=\p{L})/gu,
  de: /\.\.+|…|(?<=\p{Ll})\.(?=\p{Lu})|(?<=\p{L})[,!?:<>=](?=\p{L})|(?<=[\p{L}0-9])\/(?=[\p{L}0-9])|(?<=\p{L})(?:["“”„«»‹›()[\]]|--)(?=\p{L})|(?<=[0-9])-(?=[0-9])/gu,
};

/**
 * The words and punctuation marks of `text`, in order; joined they are `text` without its white space.
 *
 * @throws when there are no rules for `language`
 */
export function ruleTokenize(text: string, language: RuleLanguage): string[] {
  checkLanguage('ruleTokenize', language);
  return text.split(/\s+/u).flatMap((chunk) => (chunk === '' ? [] : splitChunk(chunk, language)));
}

function splitChunk(chunk: string, language: RuleLanguage): string[] {
  const before: string[] = [];
  const after: string[] = [];
  let middle = chunk;
  const isWhole = (): boolean => middle === '' || abbreviations[language].has(middle.toLowerCase()) || isSmiley(middle);
  while (!isWhole()) {
    const prefix = PREFIX.exec(middle)?.[0];
    if (prefix !== undefined) {
      before.push(prefix);
      middle = middle.slice(prefix.length);
      continue;
    }
    const suffix = suffixes[language].exec(middle)?.[0] ?? FULL_STOP.exec(middle)?.[0];
    if (suffix === undefined) break;
    after.unshift(suffix);
    middle = middle.slice(0, middle.length - suffix.length);
  }
  if (middle === '') return [...before, ...after];
  return [...before, ...(isWhole() ? [middle] : splitInside(middle, language)), ...after];
}

function isSmiley(text: string): boolean {
  return /^[:;=]-?[)(DP]$/u.test(text);
}

function splitInside(word: string, language: RuleLanguage): string[] {
  const parts: string[] = [];
  let start = 0;
  for (const { 0: infix, index } of word.matchAll(infixes[language])) {
    if (index > start) parts.push(word.slice(start, index));
    parts.push(infix);
    start = index + infix.length;
  }
  if (start < word.length) parts.push(word.slice(start));
  return language === 'en' ? parts.flatMap(splitContraction) : parts;
}

function splitContraction(word: string): string[] {
  const [, verb, negation] = NEGATION.exec(word) ?? [];
  if (verb !== undefined && negation !== undefined) return [verb, negation];
  return /^cannot$/iu.test(word) ? [word.slice(0, 3), word.slice(3)] : [word];
}

const closing = new Set([...'.,:;!?…)]}%”’»›', '...', '..']);
const opening = new Set([...'([{„‚¿¡#$£«‹', '“']);
const CLITIC = /^(?:['’](?:s|ll|re|ve|d|m)|n['’]t)$/iu;

/**
 * Words and punctuation as running text: the reverse of {@link ruleTokenize} but for what the tokens no longer tell, such
 * as spaces around a hyphen. Straight quotation marks open and close in turn.
 *
 * @throws when there are no rules for `language`
 */
export function detokenize(tokens: readonly string[], language: RuleLanguage): string {
  checkLanguage('detokenize', language);
  let text = '';
  let isGlued = true;
  let isQuoted = false;
  for (const [index, token] of tokens.entries()) {
    // German quotation marks „…“ end with what opens English ones.
    const endsGermanQuote = token === '“' && language === 'de';
    const isQuote = token === '"' || token === "'";
    const joins = (token === '-' || token === '/') && (language === 'en' || token === '/') && index > 0;
    // The ladies' room: the apostrophe of a plural opens nothing.
    const isPlural = token === "'" && !isQuoted && language === 'en' && /s$/iu.test(tokens[index - 1] ?? '');
    const isCannot = language === 'en' && token === 'not' && tokens[index - 1]?.toLowerCase() === 'can';
    const isClosing =
      closing.has(token) ||
      endsGermanQuote ||
      (isQuote && isQuoted) ||
      isPlural ||
      isCannot ||
      joins ||
      CLITIC.test(token);
    text += (isGlued || isClosing ? '' : ' ') + token;
    isGlued = (opening.has(token) && !endsGermanQuote) || (isQuote && !isQuoted && !isPlural) || joins;
    if (isQuote && !isPlural) isQuoted = !isQuoted;
  }
  return text;
}

function checkLanguage(where: string, language: RuleLanguage): void {
  if (language !== 'en' && language !== 'de') {
    throw new Error(`${where}: the language "${String(language)}" arrived; there are rules for 'en' and 'de'.`);
  }
}

/** Numbers in English and German words, up to 999,999: a small language pair whose every sentence has one translation. */

/** The largest number that has words here. */
export const largestNumberInWords = 999_999;

const englishOnes =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const englishTens = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const germanOnes =
  'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn'.split(
    ' ',
  );
const germanTens = '- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig'.split(' ');

/**
 * A number in English words, as the British say it: 321,107 is "three hundred and twenty-one thousand one hundred and
 * seven".
 *
 * @throws when `number` is not a whole number from 0 to 999,999
 */
export function englishNumberWords(number: number): string {
  checkNumber('englishNumberWords', number);
  if (number < 1000) return englishBelowThousand(number);
  const rest = number % 1000;
  const thousands = `${englishBelowThousand(Math.floor(number / 1000))} thousand`;
  if (rest === 0) return thousands;
  return `${thousands} ${rest < 100 ? 'and ' : ''}${englishBelowThousand(rest)}`;
}

/**
 * A number in German words, one word: 321,107 is "dreihunderteinundzwanzigtausendeinhundertsieben". Ones come before
 * tens.
 *
 * @throws when `number` is not a whole number from 0 to 999,999
 */
export function germanNumberWords(number: number): string {
  checkNumber('germanNumberWords', number);
  if (number < 1000) return germanBelowThousand(number, 'eins');
  const rest = number % 1000;
  const thousands = `${germanBelowThousand(Math.floor(number / 1000), 'ein')}tausend`;
  return rest === 0 ? thousands : `${thousands}${germanBelowThousand(rest, 'eins')}`;
}

function englishBelowThousand(number: number): string {
  const rest = number % 100;
  let words = englishOnes[rest] ?? englishTens[Math.floor(rest / 10)]!;
  if (rest > 20 && rest % 10 > 0) words += `-${englishOnes[rest % 10]!}`;
  if (number < 100) return words;
  const hundreds = `${englishOnes[Math.floor(number / 100)]!} hundred`;
  return rest === 0 ? hundreds : `${hundreds} and ${words}`;
}

/** @param one how a one at the end is said: "eins", but "ein" before "tausend" */
function germanBelowThousand(number: number, one: string): string {
  // "eins" loses its s before another part of the word.
  const joined = (digit: number): string => (digit === 1 ? 'ein' : germanOnes[digit]!);
  const rest = number % 100;
  let words = rest === 1 ? one : germanOnes[rest];
  if (words === undefined) {
    const tens = germanTens[Math.floor(rest / 10)]!;
    words = rest % 10 === 0 ? tens : `${joined(rest % 10)}und${tens}`;
  }
  if (number < 100) return words;
  const hundreds = `${joined(Math.floor(number / 100))}hundert`;
  return rest === 0 ? hundreds : hundreds + words;
}

function checkNumber(where: string, number: number): void {
  if (!Number.isSafeInteger(number) || number < 0 || number > largestNumberInWords) {
    throw new Error(`${where}: ${number} arrived; give a whole number from 0 to ${largestNumberInWords}.`);
  }
}

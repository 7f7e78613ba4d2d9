import { describe, expect, it } from 'vitest';
import {
  englishNumberWords,
  generateAdditions,
  generateCopies,
  generateNumberWords,
  germanNumberWords,
} from '../../src/index.ts';

describe('generateAdditions', () => {
  it('adds', () => {
    const { source, target } = generateAdditions({ digits: 3, count: 2000 });
    const keys = source.map((question) => question.split('+').toSorted().join('+'));
    expect(new Set(keys).size).toBe(2000);
    for (const [index, question] of source.entries()) {
      expect(question).toMatch(/^(0|[1-9]\d{0,2})\+(0|[1-9]\d{0,2})$/);
      const [first, second] = question.split('+').map(Number);
      expect(target[index]).toBe(String(first! + second!));
    }
    expect(source.filter((question) => question.length === 7).length).toBeGreaterThan(200);
  });
  it('is the same task reversed, and another for another seed', () => {
    const plain = generateAdditions({ digits: 2, count: 50, seed: 3 });
    const reversed = generateAdditions({ digits: 2, count: 50, seed: 3, reversed: true });
    expect(reversed.source).toEqual(plain.source.map((question) => [...question].toReversed().join('')));
    expect(reversed.target).toEqual(plain.target);
    expect(generateAdditions({ digits: 2, count: 20, seed: 3 }).source).toEqual(plain.source.slice(0, 20));
    expect(generateAdditions({ digits: 2, count: 50, seed: 4 }).source).not.toEqual(plain.source);
  });
  it('knows how many sums there are', () => {
    expect(new Set(generateAdditions({ digits: 1, count: 55 }).source).size).toBe(55);
    expect(() => generateAdditions({ digits: 1, count: 56 })).toThrow('count is 56; give a whole number from 1 to 55');
    expect(() => generateAdditions({ digits: 8, count: 1 })).toThrow('digits is 8; give a whole number from 1 to 7');
  });
});

describe('generateCopies', () => {
  it('repeats', () => {
    const { source, target } = generateCopies({ symbols: 10, length: 10, count: 500 });
    expect(target).toEqual(source);
    expect(new Set(source).size).toBe(500);
    expect(source.every((line) => line.split(' ').length === 10)).toBe(true);
    expect(new Set(source.flatMap((line) => line.split(' '))).size).toBe(10);
  });
  it('has every length, and all there are when asked for', () => {
    const lengths = generateCopies({ symbols: 5, length: 4, minimumLength: 2, count: 60 }).source.map(
      (line) => line.length,
    );
    expect(new Set(lengths)).toEqual(new Set([3, 5, 7]));
    expect(generateCopies({ symbols: 2, length: 3, minimumLength: 1, count: 14 }).source).toHaveLength(14);
    expect(() => generateCopies({ symbols: 2, length: 3, minimumLength: 1, count: 15 })).toThrow('from 1 to 14');
    expect(() => generateCopies({ symbols: 2, length: 3, minimumLength: 4, count: 1 })).toThrow('minimumLength is 4');
  });
});

describe('number words', () => {
  it.each([
    [0, 'zero', 'null'],
    [1, 'one', 'eins'],
    [16, 'sixteen', 'sechzehn'],
    [17, 'seventeen', 'siebzehn'],
    [20, 'twenty', 'zwanzig'],
    [21, 'twenty-one', 'einundzwanzig'],
    [30, 'thirty', 'dreißig'],
    [66, 'sixty-six', 'sechsundsechzig'],
    [77, 'seventy-seven', 'siebenundsiebzig'],
    [100, 'one hundred', 'einhundert'],
    [101, 'one hundred and one', 'einhunderteins'],
    [342, 'three hundred and forty-two', 'dreihundertzweiundvierzig'],
    [1000, 'one thousand', 'eintausend'],
    [1001, 'one thousand and one', 'eintausendeins'],
    [2012, 'two thousand and twelve', 'zweitausendzwölf'],
    [21_000, 'twenty-one thousand', 'einundzwanzigtausend'],
    [101_000, 'one hundred and one thousand', 'einhunderteintausend'],
    [
      321_107,
      'three hundred and twenty-one thousand one hundred and seven',
      'dreihunderteinundzwanzigtausendeinhundertsieben',
    ],
  ])('%d', (number, english, german) => {
    expect(englishNumberWords(number)).toBe(english);
    expect(germanNumberWords(number)).toBe(german);
  });
  it('are different for different numbers', () => {
    const text = generateNumberWords({ largest: 19_999, count: 20_000, seed: 2 });
    expect(new Set(text.source).size).toBe(20_000);
    expect(new Set(text.target).size).toBe(20_000);
    expect([text.sourceLanguage, text.targetLanguage]).toEqual(['en', 'de']);
    const place = text.source.indexOf('forty-two');
    expect(text.target[place]).toBe('zweiundvierzig');
    expect(place).not.toBe(42);
  });
  it('end at 999,999', () => {
    expect(englishNumberWords(999_999)).toMatch(/^nine hundred and ninety-nine thousand nine hundred/);
    for (const wrong of [-1, 1.5, 1_000_000]) {
      expect(() => englishNumberWords(wrong)).toThrow(`${wrong} arrived; give a whole number from 0 to 999999`);
      expect(() => germanNumberWords(wrong)).toThrow('germanNumberWords');
    }
    expect(() => generateNumberWords({ largest: 10, count: 12 })).toThrow(
      'count is 12; give a whole number from 1 to 11',
    );
  });
});

/**
 * Tasks for sequence to sequence models that need no download. Every one is a {@link ParallelText} of distinct pairs in
 * random order, so that the last of them can be held out (`splitParallelText`), and the same seed makes the same pairs.
 */
import { Random } from '@milestones/core';
import type { ParallelText } from '../parallel/parallel-text.ts';
import { englishNumberWords, germanNumberWords, largestNumberInWords } from './number-words.ts';

/** Options of {@link generateAdditions}. */
export interface AdditionsOptions {
  /** The most digits of a summand, 1 to 7. */
  digits: number;
  /** How many sums. */
  count: number;
  /** Whether the question is written from right to left, `16+535` for 535+61. Default false. */
  reversed?: boolean;
  /** Default 1. */
  seed?: number;
}

/**
 * Sums of two numbers, character by character: `535+61` is `596`. The task of Zaremba and Sutskever 2014 in the form that
 * Keras made known: each summand has 1 to `digits` digits, each number of digits equally likely, and no two sums have
 * the same two summands, in either order. With `reversed` the same sums come in the same order.
 *
 * @throws when there are fewer sums than `count`
 */
export function generateAdditions(options: AdditionsOptions): ParallelText {
  const { digits, count, reversed = false, seed = 1 } = options;
  checkWhole('generateAdditions', 'digits', digits, 1, 7);
  const numbers = 10 ** digits;
  checkWhole('generateAdditions', 'count', count, 1, (numbers * (numbers + 1)) / 2);
  const random = new Random(seed, 'additions');
  const draw = (): number => random.integer(10 ** (1 + random.integer(digits)));
  const pairs = distinct(count, () => {
    const [first, second] = [draw(), draw()];
    const question = `${first}+${second}`;
    const key = Math.min(first, second) * numbers + Math.max(first, second);
    return [key, reversed ? [...question].toReversed().join('') : question, String(first + second)];
  });
  return textOf(`additions of ${digits} digits${reversed ? ', reversed' : ''}`, pairs);
}

/** Options of {@link generateCopies}. */
export interface CopiesOptions {
  /** How many different symbols there are: the numbers 1 to `symbols`. */
  symbols: number;
  /** The most symbols in a sequence. */
  length: number;
  /** The fewest. Default `length`. */
  minimumLength?: number;
  count: number;
  /** Default 1. */
  seed?: number;
}

/**
 * Sequences that are to be written once more, `3 1 10` for `3 1 10`: the first test of an encoder and decoder. Symbols
 * are parted by spaces (`split: 'spaces'`) and equally likely.
 *
 * @throws when there are fewer sequences than `count`
 */
export function generateCopies(options: CopiesOptions): ParallelText {
  const { symbols, length, minimumLength = length, count, seed = 1 } = options;
  checkWhole('generateCopies', 'symbols', symbols, 1);
  checkWhole('generateCopies', 'length', length, 1);
  checkWhole('generateCopies', 'minimumLength', minimumLength, 1, length);
  let most = 0;
  for (let size = minimumLength; size <= length; size++) most += symbols ** size;
  checkWhole('generateCopies', 'count', count, 1, most);
  const random = new Random(seed, 'copies');
  // Short sequences are fewer than would be drawn if each length were equally likely.
  const weights = Array.from({ length: length - minimumLength + 1 }, (_, index) =>
    Math.min(symbols ** (minimumLength + index), 4 * count),
  );
  const pairs = distinct(count, () => {
    const size = minimumLength + random.categorical(weights);
    const sequence = Array.from({ length: size }, () => 1 + random.integer(symbols)).join(' ');
    return [sequence, sequence, sequence];
  });
  return textOf('copies', pairs);
}

/** Options of {@link generateNumberWords}. */
export interface NumberWordsOptions {
  /** The largest number, up to 999,999. */
  largest: number;
  count: number;
  /** Default 1. */
  seed?: number;
}

/**
 * Numbers in words, English to German: "forty-two" is "zweiundvierzig". Short to learn, yet a translation: one order of
 * words becomes another, and words are glued together.
 *
 * @throws when there are fewer numbers than `count`
 */
export function generateNumberWords(options: NumberWordsOptions): ParallelText {
  const { largest, count, seed = 1 } = options;
  checkWhole('generateNumberWords', 'largest', largest, 0, largestNumberInWords);
  checkWhole('generateNumberWords', 'count', count, 1, largest + 1);
  const numbers = new Random(seed, 'number-words').permutation(largest + 1).subarray(0, count);
  const pairs = Array.from(numbers, (number) => [englishNumberWords(number), germanNumberWords(number)] as const);
  return { ...textOf('number words', pairs), sourceLanguage: 'en', targetLanguage: 'de' };
}

/** Draws until `count` different keys came; of each key the first draw is kept. */
function distinct(
  count: number,
  draw: () => [key: string | number, source: string, target: string],
): [string, string][] {
  const pairs = new Map<string | number, [string, string]>();
  while (pairs.size < count) {
    const [key, source, target] = draw();
    if (!pairs.has(key)) pairs.set(key, [source, target]);
  }
  return [...pairs.values()];
}

function textOf(name: string, pairs: readonly (readonly [string, string])[]): ParallelText {
  const source = pairs.map(([one]) => one);
  return { name, source, target: pairs.map(([, other]) => other), sourceLanguage: '', targetLanguage: '' };
}

function checkWhole(where: string, name: string, value: number, least: number, most = Infinity): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new Error(`${where}: ${name} is ${value}; give a whole number ${range}.`);
  }
}

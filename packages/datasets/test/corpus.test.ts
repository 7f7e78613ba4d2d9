import { expect, it } from 'vitest';
import { splitCorpus } from '../src/index.ts';

it('splits 90 to 10, rounded down', () => {
  const text = 'x'.repeat(1_115_394);
  const { train, validation } = splitCorpus('example', text);
  expect([train.length, validation.length]).toEqual([1_003_854, 111_540]);
});

it('keeps the order and does not cut a character in two', () => {
  const text = 'ab😀cd';
  const { train, validation } = splitCorpus('example', text, 0.5);
  expect([train, validation]).toEqual(['ab', '😀cd']);
});

it('refuses parts without characters', () => {
  expect(() => splitCorpus('example', 'x')).toThrow('example has 1 characters, of which 0 would be for training');
  expect(() => splitCorpus('example', 'xyz', 1)).toThrow('the training fraction 1 arrived');
});

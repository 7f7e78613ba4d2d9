import { expect, it } from 'vitest';
import { ngramEntropy } from '../src/index.ts';

it('is ln k for k equally common characters', () => {
  expect(ngramEntropy('abcd'.repeat(50), 1)).toBeCloseTo(Math.log(4), 12);
  expect(ngramEntropy('a😀'.repeat(50), 1)).toBeCloseTo(Math.log(2), 12);
});

it('is zero where the character before decides', () => {
  expect(ngramEntropy('abcd'.repeat(50), 2)).toBeCloseTo(0, 12);
});

it('equals a count by hand', () => {
  // aab aab a…: after a comes a or b; pairs aa, ab, ba.
  const text = 'aabaab';
  // pairs: aa ab ba aa ab; contexts: a ×4 (aa 2, ab 2), b ×1 (ba 1).
  expect(ngramEntropy(text, 2)).toBeCloseTo((4 * Math.log(2)) / 5, 12);
});

it('refuses orders that make no sense', () => {
  expect(() => ngramEntropy('abc', 0)).toThrow('the order 0 arrived');
  expect(() => ngramEntropy('abc', 4)).toThrow('a text of 3 characters arrived; order 4 needs at least 4');
});

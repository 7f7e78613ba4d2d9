import { expect, it } from 'vitest';
import { topClasses } from '../src/index.ts';

it('gives the most likely classes first, with the softmax over all of them', () => {
  const found = topClasses([0, Math.log(2), Math.log(5)], { names: ['cat', 'dog'], top: 2 });
  expect(found.map(({ label, name }) => [label, name])).toEqual([
    [2, '2'],
    [1, 'dog'],
  ]);
  expect(found[0]!.probability).toBeCloseTo(5 / 8, 12);
  expect(found[1]!.probability).toBeCloseTo(2 / 8, 12);
});

it('gives at most as many as there are, and the lower number first where two tie', () => {
  expect(topClasses([1, 1, 1]).map(({ label }) => label)).toEqual([0, 1, 2]);
});

it('is exact for large logits', () => {
  expect(topClasses([1e30, 0], { top: 1 })[0]!.probability).toBe(1);
});

it('names what cannot be', () => {
  expect(() => topClasses([1], { top: 0 })).toThrow('give a whole number of at least 1');
  expect(() => topClasses([1, Number.NaN])).toThrow('not a finite number');
});

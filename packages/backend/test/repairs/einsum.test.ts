import { beforeAll, expect, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import { expectClose, numbers, prepareEngines, runOn } from './engines.ts';

beforeAll(prepareEngines);

const sizes: Record<string, number> = { b: 2, h: 3, i: 4, j: 5, k: 2 };

/** The definition: for every assignment of the letters, the product of the operands is added to the result. */
function byDefinition(equation: string, operands: { letters: string; values: number[] }[]): number[] {
  const output = equation.split('->')[1]!;
  const letters = [...new Set(equation.replaceAll(/[^a-z]/g, ''))];
  const place = (term: string, at: Record<string, number>): number =>
    [...term].reduce((index, letter) => index * sizes[letter]! + at[letter]!, 0);
  const result = Array.from({ length: [...output].reduce((size, letter) => size * sizes[letter]!, 1) }, () => 0);
  const visit = (depth: number, at: Record<string, number>): void => {
    const letter = letters[depth];
    if (letter === undefined) {
      result[place(output, at)]! += operands.reduce(
        (all, { letters: term, values }) => all * values[place(term, at)]!,
        1,
      );
      return;
    }
    for (let i = 0; i < sizes[letter]!; i++) visit(depth + 1, { ...at, [letter]: i });
  };
  visit(0, {});
  return result;
}

it.each([
  'ij,jk->ik',
  'bi,j->bj',
  'bhij,bhkj->bhik',
  'ij->',
  'ij->ji',
  'i->i',
  ',i->i',
  'i,i->',
  'ij,k,bj->kbi',
  'ij,ij->ij',
])('%s on cpu and wasm equals its definition', (equation) => {
  const terms = equation.split('->')[0]!.split(',');
  const makers = terms.map((term) => numbers([...term].map((letter) => sizes[letter]!)));
  const operands = runOn('cpu', () => makers.map((make) => make())).map(({ values }, i) => ({
    letters: terms[i]!,
    values,
  }));
  for (const engine of ['cpu', 'wasm'] as const) {
    const [result] = runOn(engine, () => tf.einsum(equation, ...makers.map((make) => make())));
    const shape = [...equation.split('->')[1]!].map((letter) => sizes[letter]!);
    expectClose(result!, { shape, dtype: 'float32', values: byDefinition(equation, operands) }, 1e-6, engine);
  }
});

it('says what does not fit', () => {
  const x = (): tf.Tensor => tf.ones([2, 3]);
  const einsum =
    (equation: string, ...tensors: tf.Tensor[]) =>
    (): unknown =>
      runOn('cpu', () => tf.einsum(equation, ...tensors));
  const a = x();
  expect(einsum('ijk->i', a)).toThrow("term 'ijk' of 'ijk->i' with a tensor of shape [2, 3]");
  expect(einsum('ij,ij', a, a)).toThrow('is not understood');
  expect(einsum('ii->i', tf.ones([2, 2]))).toThrow(
    "term 'ii' of 'ii->i' has a letter twice, which is not implemented yet",
  );
  expect(einsum('ij->ik', a)).toThrow('Output subscripts contain the label k not present');
  expect(einsum('ij,jk->ik', a, a)).toThrow("'j' of 'ij,jk->ik' wants dimension 3 at axis 0 of input shaped [2,3]");
  expect(einsum('ij->ij', a, a)).toThrow('Expected 1 input tensors, received 2');
  a.dispose();
});

import { expect, it } from 'vitest';
import { FormatError, readLabelledText } from '../../src/index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('reads single texts as SST-2 writes them', () => {
  const text = readLabelledText(bytes('sentence\tlabel\nit "works \t1\r\n\nno \t0\n'), {
    classNames: ['negative', 'positive'],
  });
  expect(text.first).toEqual(['it "works', 'no']);
  expect(text.second).toBeUndefined();
  expect([...text.labels!]).toEqual([1, 0]);
  expect(text.classNames).toEqual(['negative', 'positive']);
});

it('reads pairs as MRPC writes them, named classes, and texts without labels', () => {
  const table = bytes('\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\ta b\tc\n');
  const pairs = readLabelledText(table, { first: '#1 String', second: '#2 String', label: 'Quality' });
  expect([pairs.first, pairs.second, [...pairs.labels!]]).toEqual([['a b'], ['c'], [1]]);
  const named = readLabelledText(bytes('text\tkind\nx\tspam\ny\tham\n'), {
    first: 'text',
    label: 'kind',
    classes: ['ham', 'spam'],
  });
  expect([...named.labels!]).toEqual([1, 0]);
  expect(readLabelledText(bytes('index\tsentence\n0\tx\n'), { label: null }).labels).toBeUndefined();
});

it.each([
  ['text\tlabel\nx\t1\n', 'there is no column "sentence"; the first line names "text", "label"'],
  ['sentence\tlabel\nx\n', 'line 2 has 1 of 2 columns; "label" is missing'],
  ['sentence\tlabel\nx\t2\n', 'line 2 has the label "2"; the classes are 0, 1'],
  ['sentence\tlabel\n \t1\n', 'line 2 has no text in "sentence"'],
  ['sentence\tlabel\n', 'there is no row below the header'],
])('refuses %j', (table, message) => {
  expect(() => readLabelledText(bytes(table), { name: 'own.tsv' })).toThrow(FormatError);
  expect(() => readLabelledText(bytes(table), { name: 'own.tsv' })).toThrow(`own.tsv: ${message}`);
});

it('names the line that is not UTF-8', () => {
  const table = Uint8Array.of(...bytes('sentence\tlabel\nx\t1\n'), 0xe9, 0x09, 0x31);
  expect(() => readLabelledText(table)).toThrow('line 3 is not valid UTF-8');
});

import { describe, expect, it } from 'vitest';
import { FormatError, readParallelText, splitParallelText } from '../../src/index.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('readParallelText', () => {
  it('reads lines of two files', () => {
    const text = readParallelText(utf8('\ufeffEin Hund.\r\nZwei\u2028Hunde. \r\n'), utf8('A dog.\n Two dogs.'), {
      name: 'dogs',
      sourceLanguage: 'de',
      targetLanguage: 'en',
    });
    expect(text).toEqual({
      name: 'dogs',
      source: ['Ein Hund.', 'Zwei\u2028Hunde.'],
      target: ['A dog.', 'Two dogs.'],
      sourceLanguage: 'de',
      targetLanguage: 'en',
    });
  });
  it('refuses files of different length', () => {
    const read = (): unknown =>
      readParallelText(utf8('a\nb\nc\n'), utf8('A\nB\n'), { sourceName: 'a.de', targetName: 'a.en' });
    expect(read).toThrow(FormatError);
    expect(read).toThrow('a.de has 3 lines and a.en has 2; line 3 of a.de, "c", has no partner');
    expect(() => readParallelText(utf8('a'), utf8('A\n\n'))).toThrow('line 2 of the target, "", has no partner');
  });
  it('refuses empty lines, or leaves them out', () => {
    expect(() => readParallelText(utf8('a\n \nc\n'), utf8('A\nB\nC\n'))).toThrow('line 2 of the source is empty');
    expect(() => readParallelText(utf8('a\nb\n'), utf8('A\n\n'))).toThrow('line 2 of the target is empty');
    const kept = readParallelText(utf8('a\n\nc\nd'), utf8('A\nB\n\nD'), { emptyLines: 'skip' });
    expect([kept.source, kept.target]).toEqual([
      ['a', 'd'],
      ['A', 'D'],
    ]);
    expect(() => readParallelText(utf8('\n'), utf8('A'), { emptyLines: 'skip' })).toThrow(
      'there is no pair of sentences',
    );
    expect(() => readParallelText(utf8(''), utf8(''))).toThrow('there is no pair of sentences');
  });
  it('names the line that is not UTF-8', () => {
    const latin = Uint8Array.of(...utf8('gut\nauch gut\nf'), 0xe4, ...utf8('hrt\nEnde\n'));
    const read = (): unknown => readParallelText(utf8('a\nb\nc\nd\n'), latin, { targetName: 'train.de' });
    expect(read).toThrow(FormatError);
    expect(read).toThrow('train.de: line 3 is not valid UTF-8');
    expect(() => readParallelText(Uint8Array.of(0xc3), utf8('a'))).toThrow('the source: line 1 is not valid UTF-8');
  });
});

describe('splitParallelText', () => {
  const text = readParallelText(utf8('a\nb\nc'), utf8('A\nB\nC'), { name: 'letters' });
  it('holds out the last pairs', () => {
    const { train, validation } = splitParallelText(text, { validation: 1 });
    expect([train.name, train.source, train.target]).toEqual(['letters train', ['a', 'b'], ['A', 'B']]);
    expect([validation.name, validation.source, validation.target]).toEqual(['letters validation', ['c'], ['C']]);
  });
  it('refuses empty parts', () => {
    for (const validation of [0, 3, 1.5]) {
      expect(() => splitParallelText(text, { validation })).toThrow(`${validation} of 3 pairs were asked for`);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { CharacterTokenizer, type Tokenizer } from '../../src/index.ts';

describe('CharacterTokenizer', () => {
  it('numbers the characters in the order of their code points', () => {
    const tokenizer: Tokenizer = CharacterTokenizer.fromText('hello\n\uFFFD😀');
    expect(tokenizer.vocabularySize).toBe(7);
    expect((tokenizer as CharacterTokenizer).vocabulary).toEqual(['\n', 'e', 'h', 'l', 'o', '\uFFFD', '😀']);
    expect(tokenizer.encode('hello😀')).toEqual(Int32Array.of(2, 1, 3, 3, 4, 6));
  });

  it('returns every text unchanged', () => {
    const text = 'The quick brown 狐 jumps over 13 lazy 🐶🐶.\r\n\t\uD800';
    const tokenizer = CharacterTokenizer.fromText(text);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.encode('')).toEqual(new Int32Array(0));
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode(Uint8Array.of(0))).toBe('\t');
  });

  it('does not depend on the order or the repetition of the characters', () => {
    expect(new CharacterTokenizer(['b', 'a', 'b']).toJSON()).toEqual(CharacterTokenizer.fromText('ab').toJSON());
  });

  it('survives JSON', () => {
    const tokenizer = CharacterTokenizer.fromText('"\\\n\u2028😀\uDC00é');
    const copy = CharacterTokenizer.fromJSON(JSON.parse(JSON.stringify(tokenizer)));
    expect(copy.vocabulary).toEqual(tokenizer.vocabulary);
    expect(copy.encode('é😀')).toEqual(tokenizer.encode('é😀'));
  });

  it('names a character outside the vocabulary, its code point and its position', () => {
    const tokenizer = CharacterTokenizer.fromText('abc😀');
    expect(() => tokenizer.encode('ab😀é')).toThrow(
      'character tokenizer: "é" (U+00E9) at position 3 is not among its 4 characters, "abc😀"; ' +
        'remove it, or build the tokenizer from a text that has it.',
    );
    expect(() => tokenizer.encode('🐶')).toThrow('(U+1F436) at position 0');
    expect(() => tokenizer.encode('a\n')).toThrow('"\\n" (U+000A) at position 1');
  });

  it('names an id outside the vocabulary', () => {
    const tokenizer = CharacterTokenizer.fromText('abc');
    for (const id of [3, -1, 0.5, Number.NaN]) {
      expect(() => tokenizer.decode([0, id])).toThrow(
        `the id ${id} at position 1 is not in the vocabulary; give whole numbers from 0 to 2.`,
      );
    }
  });

  it('refuses what is no vocabulary', () => {
    expect(() => new CharacterTokenizer([])).toThrow('no characters arrived');
    expect(() => new CharacterTokenizer(['ab'])).toThrow('the entry "ab" is not one character');
    expect(() => new CharacterTokenizer([''])).toThrow('the entry "" is not one character');
    expect(() => CharacterTokenizer.fromJSON(undefined)).toThrow('undefined arrived; give what toJSON() returned');
    expect(() => CharacterTokenizer.fromJSON({ type: 'bpe' })).toThrow('{"type":"bpe"} arrived');
    expect(() => CharacterTokenizer.fromJSON({ type: 'character', vocabulary: 'ba' })).toThrow('not in the order');
    expect(() => CharacterTokenizer.fromJSON({ type: 'character', vocabulary: 'aa' })).toThrow('repeats characters');
  });
});

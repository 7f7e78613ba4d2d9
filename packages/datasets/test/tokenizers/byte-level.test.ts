import { describe, expect, it } from 'vitest';
import { ByteLevelTokenizer, readByteLevelFiles, tokenizerFiles, tokenizerFromJSON } from '../../src/index.ts';
import { characterOfByte } from '../../src/tokenizers/byte-level-bytes.ts';
import { mergeByRank } from '../../src/tokenizers/merge-queue.ts';

const merges = ['h e', 'l l', 'he ll', 'Ġ w', 'hell o', 'Ċ Ċ'];
const tokens = [...characterOfByte, ...merges.map((merge) => merge.replace(' ', '')), '<|endoftext|>'];
const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
const tokenizer = new ByteLevelTokenizer({ vocabulary, merges });
const written = (text: string): string[] => Array.from(tokenizer.encode(text), (id) => tokenizer.token(id));

describe('ByteLevelTokenizer', () => {
  it('writes bytes as GPT-2 does', () => {
    expect([0x00, 0x0a, 0x20, 0x21, 0x7e, 0x7f, 0xa0, 0xa1, 0xad, 0xff].map((byte) => characterOfByte[byte])).toEqual([
      'Ā',
      'Ċ',
      'Ġ',
      '!',
      '~',
      'ġ',
      'ł',
      '¡',
      'Ń',
      'ÿ',
    ]);
    expect(new Set(characterOfByte).size).toBe(256);
  });

  it('merges in the order of ranks, inside pieces', () => {
    expect(written('hello world')).toEqual(['hello', 'Ġw', 'o', 'r', 'l', 'd']);
    expect(written('hell\n\n\nx')).toEqual(['hell', 'ĊĊ', 'Ċ', 'x']);
    expect(written("he'll")).toEqual(['he', "'", 'll']);
  });

  it('takes Unicode white space for white space: U+0085 is, U+FEFF is not', () => {
    const next = tokens.length;
    // U+0085 is the bytes Â ħ, U+FEFF the bytes ï » ¿; each merge joins the last byte to the letter behind it.
    const joined = new ByteLevelTokenizer({
      vocabulary: { ...vocabulary, 'ħ!': next, '¿!': next + 1 },
      merges: ['ħ !', '¿ !'],
    });
    expect([...joined.encode('\u0085!')]).not.toContain(next);
    expect([...joined.encode('\ufeff!')]).toContain(next + 1);
  });

  it('reads the names of special tokens as text unless asked', () => {
    expect(tokenizer.encode('<|endoftext|>').length).toBe(13);
    expect([...tokenizer.encode('he<|endoftext|>', { specialTokens: 'token' })]).toEqual([256, 262]);
    expect(tokenizer.decode([256, 262])).toBe('he<|endoftext|>');
  });

  it('replaces halves of surrogate pairs, and refuses ids it does not have', () => {
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).toBe('a\ufffdb');
    expect(() => tokenizer.decode([0, 263])).toThrow('the id 263 at position 1 is not in the vocabulary');
  });

  it('comes back from JSON and from files', () => {
    const text = 'hello\n\n world ß';
    const ids = tokenizer.encode(text);
    expect(tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer))).encode(text)).toEqual(ids);
    const files = tokenizerFiles(tokenizer);
    expect(files['merges.txt']!.split('\n').slice(0, 2)).toEqual(['#version: 0.2', 'h e']);
    expect(readByteLevelFiles(files['vocab.json']!, files['merges.txt']!).encode(text)).toEqual(ids);
  });

  it.each([
    [{ vocabulary: { ...vocabulary, he: 9999 }, merges }, 'the token "he" has the id 9999'],
    [{ vocabulary, merges: ['a b'] }, 'merge 0, "ab" is not in the vocabulary'],
    [{ vocabulary, merges: ['a'] }, 'merge 0 is "a"; a merge is two tokens'],
    [{ vocabulary: { a: 0 }, merges: [] }, 'byte 0, "Ā" is not in the vocabulary'],
    [{ vocabulary: { ...vocabulary, 'x y': tokens.length }, merges }, 'is not written in GPT-2'],
  ])('refuses tables that do not fit together (%#)', (options, message) => {
    expect(() => new ByteLevelTokenizer(options as never)).toThrow(message);
  });

  it('merges long pieces as short ones, and fast', () => {
    const rankOf = (left: number, right: number): number | undefined => (left === right && left < 5 ? left : undefined);
    for (const length of [47, 48, 49, 50, 100, 333]) {
      // 0 0 → 1, 1 1 → 2, …: n zeros become n's binary digits, once no further pair is left.
      const ids = new Int32Array(length);
      const kept = mergeByRank(ids, length, rankOf, (rank) => rank + 1);
      const sum = ids.subarray(0, kept).reduce((total, id) => total + 2 ** id, 0);
      expect(sum).toBe(length);
      expect(kept).toBe(Math.floor(length / 32) + (length % 32).toString(2).replaceAll('0', '').length);
    }
    expect(mergeByRank(new Int32Array(200_000), 200_000, rankOf, (rank) => rank + 1)).toBe(6250);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytePairTokenizer, learnBytePairs, specialTokens } from '../../src/index.ts';
import { piecesOf } from '../../src/tokenizers/pieces.ts';

/** Byte-pair encoding as one would write it first: counts everything anew before each merge. */
function plainMerges(corpus: readonly string[], merges: number, minimumCount: number): [number, number][] {
  const words = corpus
    .flatMap((sentence) => piecesOf(sentence))
    .map((piece) => Array.from(new TextEncoder().encode(piece), (byte) => 4 + byte));
  const learned: [number, number][] = [];
  while (learned.length < merges) {
    const counts = new Map<string, { pair: [number, number]; count: number }>();
    for (const word of words) {
      for (let at = 0; at + 1 < word.length; at++) {
        const pair: [number, number] = [word[at]!, word[at + 1]!];
        const entry = counts.get(pair.join()) ?? { pair, count: 0 };
        entry.count++;
        counts.set(pair.join(), entry);
      }
    }
    const [best] = [...counts.values()].toSorted(
      (a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1],
    );
    if (best === undefined || best.count < minimumCount) break;
    const id = 260 + learned.length;
    learned.push(best.pair);
    for (const word of words) {
      for (let at = 0; at + 1 < word.length; at++) {
        if (word[at] === best.pair[0] && word[at + 1] === best.pair[1]) word.splice(at, 2, id);
      }
    }
  }
  return learned;
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'ä', ' ', '.'), maxLength: 30 });
const repeated = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 });
const anything = fc.string({ unit: 'binary', maxLength: 60 });
const someText = (text: string): boolean => text !== '';

describe('learnBytePairs', () => {
  it('learns what the plain method learns, in the same order', () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.oneof(letters, repeated, anything), { minLength: 1, maxLength: 12 })
          .filter((all) => all.some(someText)),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 3 }),
        (corpus, merges, minimumCount) => {
          const tokenizer = learnBytePairs(corpus, { merges, minimumCount });
          expect(tokenizer.merges).toEqual(plainMerges(corpus, merges, minimumCount));
        },
      ),
      { numRuns: 300 },
    );
  });
  it('does not depend on the order of the sentences', () => {
    const sentences = ['ein Mann fährt', 'ein Hund', 'der Mann, der Hund', 'a man', 'a dog'];
    const merges = learnBytePairs(sentences, { merges: 40 }).merges;
    expect(learnBytePairs(sentences.toReversed(), { merges: 40 }).merges).toEqual(merges);
    expect(merges.length).toBeGreaterThan(5);
  });
  it('makes frequent words one token, with the space before them, whatever follows', () => {
    const tokenizer = learnBytePairs(['low low low low low', 'lower lower', 'newest newest newest', 'low, low.'], {
      merges: 50,
    });
    const [id] = tokenizer.encode('low');
    expect(tokenizer.token(id!)).toBe(' low');
    expect([...tokenizer.encode('low low.')].map((token) => tokenizer.token(token))).toEqual([' low', ' low', '.']);
    expect(tokenizer.vocabularySize).toBe(260 + tokenizer.merges.length);
  });
  it('refuses what it cannot learn from', () => {
    expect(() => learnBytePairs([], { merges: 3 })).toThrow('the corpus has no text');
    expect(() => learnBytePairs(['', ''], { merges: 3 })).toThrow('the corpus has no text');
    expect(() => learnBytePairs(['a'], { merges: -1 })).toThrow('-1 merges were asked for');
    expect(() => learnBytePairs(['a'], { merges: 1, minimumCount: 0 })).toThrow('the minimum count 0 arrived');
  });
});

describe('BytePairTokenizer', () => {
  const learned = learnBytePairs(['Ein Mann fährt Fahrrad.', 'Eine Frau fährt ein Auto.', '漢字 und 漢字', '😀😀 😀'], {
    merges: 60,
  });

  it('gives every text back', () => {
    const special = fc.constantFrom('<eos>', '  ', '\u2028', '\ufeffä', ' a', 'a ', '\r\n', 'e\u0301', '\u0000', '👩‍👩‍👧');
    fc.assert(
      fc.property(fc.array(fc.oneof(anything, letters, special)), (parts) => {
        const text = parts.join('');
        for (const tokenizer of [learned, new BytePairTokenizer([])]) {
          const ids = tokenizer.encode(text);
          expect(tokenizer.decode(ids)).toBe(text);
          expect(ids.every((id) => id > specialTokens.end && id < tokenizer.vocabularySize)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
  it('replaces halves of surrogate pairs, which are no text', () => {
    expect(learned.decode(learned.encode('a\ud800b'))).toBe('a\ufffdb');
  });
  it('leaves special tokens out, and shows broken bytes', () => {
    const { padding, start, end } = specialTokens;
    expect(learned.decode([start, ...learned.encode('Ein Mann'), end, padding])).toBe('Ein Mann');
    expect(learned.decode([4 + 0xc3])).toBe('\ufffd');
    expect(learned.decode([])).toBe('');
  });
  it('encodes as it learned: the merges of a sentence of the corpus are its own', () => {
    const words = ['abab', 'abc', 'bc', 'aabb', 'cab'];
    const tokenizer = learnBytePairs(words, { merges: 100, minimumCount: 1 });
    for (const word of words) expect(tokenizer.encode(word)).toHaveLength(1);
  });
  it('is saved as JSON', () => {
    const copy = BytePairTokenizer.fromJSON(JSON.parse(JSON.stringify(learned)));
    expect(copy.merges).toEqual(learned.merges);
    expect(copy.encode('Frau fährt')).toEqual(learned.encode('Frau fährt'));
  });
  it('takes a long word without trouble', () => {
    const text = 'fährt'.repeat(20_000);
    expect(learned.decode(learned.encode(text))).toBe(text);
  });
  it('refuses damaged files and unknown ids', () => {
    expect(() => BytePairTokenizer.fromJSON({ type: 'character' })).toThrow('something of type "character" arrived');
    expect(() => BytePairTokenizer.fromJSON(null)).toThrow('give what toJSON() returned');
    expect(() => new BytePairTokenizer([[4, 260]])).toThrow('merge 0 is [4,260]; it joins two ids from 4 to 259');
    expect(() => new BytePairTokenizer([[3, 4]])).toThrow('merge 0 is [3,4]');
    expect(() => new BytePairTokenizer([[4, 5, 6] as never])).toThrow('merge 0 is [4,5,6]');
    expect(
      () =>
        new BytePairTokenizer([
          [4, 5],
          [4, 5],
        ]),
    ).toThrow('merge 1, [4,5], comes a second time');
    expect(() => learned.decode([4, 5000])).toThrow('the id 5000 at position 1 is not in the vocabulary');
  });
});

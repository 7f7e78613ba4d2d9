import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BytePairTokenizer,
  CharacterTokenizer,
  WordTokenizer,
  WordVocabulary,
  detokenize,
  ruleTokenize,
  specialTokens,
  tokenizerFromJSON,
  withStartAndEnd,
} from '../../src/index.ts';

describe('ruleTokenize', () => {
  it.each([
    ['en', "A man's dog doesn't bark, does it?", "A man 's dog does n't bark , does it ?"],
    ['en', 'She wears a black-and-white T-shirt.', 'She wears a black - and - white T - shirt .'],
    [
      'en',
      'Mr. Smith of the U.S. arrives at 10:30 a.m. today...',
      'Mr. Smith of the U.S. arrives at 10:30 a.m. today ...',
    ],
    ['en', '"I cannot," he said (3.5 times).', '" I can not , " he said ( 3.5 times ) .'],
    ['en', 'They’re by J. Doe and/or NASA.', 'They ’re by J. Doe and / or NASA .'],
    ['de', 'Ein Mann im T-Shirt fährt Fahrrad.', 'Ein Mann im T-Shirt fährt Fahrrad .'],
    ['de', 'Er sagt: „Nein!“ (z.B. heute), bzw. morgen.', 'Er sagt : „ Nein ! “ ( z.B. heute ) , bzw. morgen .'],
    ['de', 'Obst- und Gemüsemarkt 1999-2000 in rot/blau', 'Obst- und Gemüsemarkt 1999 - 2000 in rot / blau'],
    ['de', "McDonald's um 3,5 Uhr…", "McDonald 's um 3,5 Uhr …"],
  ] as const)('%s: %s', (language, text, words) => {
    expect(ruleTokenize(text, language)).toEqual(words.split(' '));
  });
  it('keeps every character but white space', () => {
    const marks = fc.constantFrom(
      ' ',
      '.',
      ',',
      "'",
      's',
      '-',
      '"',
      '...',
      '(',
      ')',
      'a',
      'B',
      "n't",
      '3',
      'ü',
      '—',
      '😀',
    );
    const text = fc.oneof(
      fc.array(marks).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, fc.constantFrom('en' as const, 'de' as const), (input, language) => {
        const tokens = ruleTokenize(input, language);
        expect(tokens.join('')).toBe(input.replaceAll(/\s/gu, ''));
        expect(tokens).not.toContain('');
        expect(detokenize(tokens, language).replaceAll(/\s/gu, '')).toBe(tokens.join(''));
      }),
      { numRuns: 500 },
    );
  });
  it('refuses languages without rules', () => {
    expect(() => ruleTokenize('a', 'fr' as never)).toThrow(
      "the language \"fr\" arrived; there are rules for 'en' and 'de'",
    );
    expect(() => detokenize(['a'], 'fr' as never)).toThrow('detokenize: the language "fr"');
  });
});

describe('detokenize', () => {
  it.each([
    ['en', "A man's dog doesn't bark, does it?"],
    ['en', 'She says "hello" (twice); I cannot...'],
    ['en', "The ladies' black-and-white hats, 50% off."],
    ['de', 'Er sagt: „Nein!“ und geht (heute) weg.'],
    ['de', 'Ein "großer" Mann im T-Shirt, bzw. Hemd…'],
  ] as const)('%s: %s', (language, text) => {
    expect(detokenize(ruleTokenize(text, language), language)).toBe(text);
  });
});

describe('WordVocabulary', () => {
  const sentences = [
    ['b', 'a', 'b'],
    ['c', 'b', '<eos>'],
    ['c', 'a', 'd'],
  ];
  it('orders words by count, then by their letters', () => {
    const vocabulary = WordVocabulary.fromSentences(sentences);
    expect(vocabulary.words).toEqual(['b', 'a', 'c', 'd']);
    expect(vocabulary.size).toBe(8);
    expect([...vocabulary.encode(['a', 'x', '<eos>', 'b'])]).toEqual([5, 1, 1, 4]);
    expect(vocabulary.decode([2, 4, 1, 5, 3, 0])).toEqual(['b', '<unk>', 'a']);
  });
  it('leaves rare words out', () => {
    expect(WordVocabulary.fromSentences(sentences, { minimumCount: 2 }).words).toEqual(['b', 'a', 'c']);
    expect(WordVocabulary.fromSentences(sentences, { maximumWords: 1 }).words).toEqual(['b']);
    expect(() => WordVocabulary.fromSentences([], { minimumCount: 0 })).toThrow('the minimum count 0');
    expect(() => WordVocabulary.fromSentences([], { maximumWords: -1 })).toThrow('at most -1 words');
  });
  it('is saved as JSON', () => {
    const vocabulary = WordVocabulary.fromSentences(sentences);
    expect(WordVocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary))).words).toEqual(vocabulary.words);
    expect(() => WordVocabulary.fromJSON({ type: 'words' })).toThrow('something of type "words" arrived');
    for (const words of [['a', 'a'], [''], ['<pad>'], [3 as never]]) {
      expect(() => new WordVocabulary(words)).toThrow('words are not empty, come once');
    }
    expect(() => vocabulary.decode([4, 8])).toThrow('the id 8 at position 1 is not in the vocabulary');
  });
});

describe('WordTokenizer', () => {
  it('goes from text to ids and back', () => {
    const texts = ['Ein Hund, zwei Hunde.', 'Ein Mann.'];
    const tokenizer = WordTokenizer.learn(texts, { split: 'de', lowercase: true });
    expect(tokenizer.decode(withStartAndEnd(tokenizer.encode('Zwei HUNDE, ein Mann.')))).toBe('zwei hunde, ein mann.');
    expect(tokenizer.decode(tokenizer.encode('Ein Kind.'))).toBe('ein <unk>.');
    expect(tokenizer.vocabularySize).toBe(4 + 7);
    const digits = WordTokenizer.learn(['12+3', '15'], { split: 'characters' });
    expect(digits.decode(digits.encode('5+1'))).toBe('5+1');
    const numbers = WordTokenizer.learn(['3 10 1'], { split: 'spaces' });
    expect(numbers.encode('10')).toHaveLength(1);
    expect(numbers.decode(numbers.encode(' 1  10'))).toBe('1 10');
  });
  it('is saved as JSON, like all tokenizers', () => {
    const tokenizers = [
      WordTokenizer.learn(['Ein Hund.'], { split: 'de', lowercase: true, minimumCount: 1 }),
      new BytePairTokenizer([[101, 114]]),
      CharacterTokenizer.fromText('Ein Hund.'),
    ];
    for (const tokenizer of tokenizers) {
      const copy = tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
      expect(copy.constructor).toBe(tokenizer.constructor);
      expect(copy.vocabularySize).toBe(tokenizer.vocabularySize);
      expect(copy.encode('Ein Hund.')).toEqual(tokenizer.encode('Ein Hund.'));
    }
    expect(() => tokenizerFromJSON(null)).toThrow(
      "types are 'byte-pair', 'byte-level', 'word-piece', 'word' and 'character'",
    );
    expect(() => WordTokenizer.fromJSON({ type: 'word' })).toThrow('something of type "word" arrived');
    expect(() => WordTokenizer.learn([], { split: 'fr' as never })).toThrow('the split "fr" arrived');
  });
  it('frames sentences for a model', () => {
    expect([...withStartAndEnd([7, 8])]).toEqual([specialTokens.start, 7, 8, specialTokens.end]);
  });
});

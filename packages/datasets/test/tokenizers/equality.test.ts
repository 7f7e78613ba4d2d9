import { describe, expect, it } from 'vitest';
import { generateText, learnWordPieces, WordPieceTokenizer } from '../../src/index.ts';
import { FuzzRandom } from '../fuzz/mutate.ts';
import {
  difference,
  gpt2Tokenizer,
  gptTokenizer,
  huggingFaceByteLevel,
  huggingFaceWordPiece,
  randomText,
} from './oracles.ts';

// `pnpm tokenizers:check` compares 5,000 texts and all of two data sets.
const random = new FuzzRandom(3);
const texts = Array.from({ length: 600 }, () => randomText(random));
texts.push(
  generateText({ characters: 2000, seed: 1 }),
  '',
  ' ',
  'a'.repeat(300),
  'é'.repeat(101),
  '\n'.repeat(70) + 'x',
);

describe('byte-level BPE with GPT-2’s tables', () => {
  const tokenizer = gpt2Tokenizer();

  it('is equal to two independent implementations', () => {
    expect(tokenizer.vocabularySize).toBe(50257);
    expect(difference(texts, (text) => tokenizer.encode(text), gptTokenizer)).toBeUndefined();
    expect(difference(texts, (text) => tokenizer.encode(text), huggingFaceByteLevel(tokenizer))).toBeUndefined();
  });

  it('gives every text back', () => {
    for (const text of texts) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    const all = texts.join(' ');
    expect(tokenizer.decode(tokenizer.encode(all))).toBe(all);
  });

  it('knows the ids of GPT-2', () => {
    expect([...tokenizer.encode('Hello world')]).toEqual([15496, 995]);
    expect([...tokenizer.encode("It's  12.5%\n\n ok")]).toEqual([1026, 338, 220, 1105, 13, 20, 4, 628, 12876]);
    expect(tokenizer.specialTokens.get('<|endoftext|>')).toBe(50256);
  });
});

describe('WordPiece', () => {
  const corpus = [generateText({ characters: 20_000, seed: 2 }), ...texts];

  it.each([
    ['uncased', {}],
    ['cased', { lowerCase: false }],
    ['cased, without accents, Chinese in runs', { lowerCase: false, stripAccents: true, splitChinese: false }],
  ])('%s is equal to an independent implementation', (_name, options) => {
    const learned = learnWordPieces(corpus, { vocabularySize: 900, alphabet: 300, minimumCount: 1, ...options });
    expect(difference(texts, (text) => learned.encode(text), huggingFaceWordPiece(learned))).toBeUndefined();
    const again = new WordPieceTokenizer(learned.vocabulary(), options);
    expect(
      difference(
        texts,
        (text) => again.encode(text),
        (text) => learned.encode(text),
      ),
    ).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import {
  learnWordPieces,
  readWordPieceFile,
  tokenizerFiles,
  readTokenizerFiles,
  tokenizerFromJSON,
  WordPieceTokenizer,
} from '../../src/index.ts';

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const tokenizer = new WordPieceTokenizer([
  ...special,
  'un',
  '##aff',
  '##able',
  'a',
  '##a',
  'cafe',
  '中',
  '国',
  '!',
  '$',
  '##ff',
]);
const written = (text: string): string => Array.from(tokenizer.encode(text), (id) => tokenizer.token(id)).join(' ');

describe('WordPieceTokenizer', () => {
  it('takes the longest piece first, and gives up a word that has none', () => {
    expect(written('unaffable')).toBe('un ##aff ##able');
    expect(written('unaffa unaffx a')).toBe('un ##aff ##a [UNK] a');
    expect(written(`${'a'.repeat(100)}`).split(' ').length).toBe(100);
    expect(written('a'.repeat(101))).toBe('[UNK]');
  });

  it('lower-cases, strips accents, parts punctuation and Chinese, drops control characters', () => {
    expect(written('CAFÉ!$')).toBe('cafe ! $');
    expect(written('a中国a')).toBe('a 中 国 a');
    expect(tokenizer.words('a\u{20000}\u{2a6df}b한국か')).toEqual([
      'a',
      '\u{20000}',
      '\u{2a6df}',
      'b\u1112\u1161\u11ab\u1100\u116e\u11a8か',
    ]);
    expect(written('ca\u0000f\u200be\ufffd')).toBe('cafe');
    const cased = new WordPieceTokenizer(tokenizer.vocabulary(), { lowerCase: false });
    expect([...cased.encode('Cafe café cafe')]).toEqual([1, 1, 10]);
  });

  it('frames one text and two, and shortens the longer', () => {
    expect(tokenizer.frame('unaffable', 'a')).toEqual({
      ids: Int32Array.of(2, 5, 6, 7, 3, 8, 3),
      segments: Int32Array.of(0, 0, 0, 0, 0, 1, 1),
      truncated: 0,
    });
    expect(tokenizer.frame('unaffable', 'a a', { maximumLength: 6 })).toEqual({
      ids: Int32Array.of(2, 5, 6, 3, 8, 3),
      segments: Int32Array.of(0, 0, 0, 0, 1, 1),
      truncated: 2,
    });
    expect([...tokenizer.frame('unaffable', undefined, { maximumLength: 4 }).ids]).toEqual([2, 5, 6, 3]);
    expect(() => tokenizer.frame('a', 'a', { maximumLength: 3 })).toThrow('give at least 4');
  });

  it('reads [MASK] as text unless asked, and writes words again', () => {
    expect(written('[MASK]')).toBe('[UNK] [UNK] [UNK]');
    const { ids } = tokenizer.frame('a [MASK] unaffable', undefined, { specialTokens: 'token' });
    expect([...ids]).toEqual([2, 8, 4, 5, 6, 7, 3]);
    expect(tokenizer.decode(ids)).toBe('a [MASK] unaffable');
  });

  it('comes back from JSON and from files', () => {
    const files = tokenizerFiles(new WordPieceTokenizer(tokenizer.vocabulary(), { lowerCase: false }));
    const again = readTokenizerFiles(files) as WordPieceTokenizer;
    expect([again.lowerCase, again.stripAccents, again.vocabularySize]).toEqual([
      false,
      false,
      tokenizer.vocabularySize,
    ]);
    expect(tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer))).encode('unaffable')).toEqual(
      tokenizer.encode('unaffable'),
    );
    expect(readWordPieceFile(special.join('\r\n')).vocabularySize).toBe(5);
  });

  it('reads the tokenizer.json of BERT and GPT-2, and refuses others', () => {
    const vocab = Object.fromEntries(tokenizer.vocabulary().map((token, id) => [token, id]));
    const file = {
      normalizer: { type: 'BertNormalizer', lowercase: true, strip_accents: null, handle_chinese_chars: true },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      added_tokens: [{ id: 0, content: '[PAD]', special: true }],
      model: { type: 'WordPiece', vocab },
    };
    const again = readTokenizerFiles({ 'tokenizer.json': JSON.stringify(file) });
    expect(again.encode('Unaffable')).toEqual(tokenizer.encode('Unaffable'));
    const other = { ...file, model: { type: 'Unigram', vocab: [] } };
    expect(() => readTokenizerFiles({ 'tokenizer.json': JSON.stringify(other) })).toThrow('a model of type "Unigram"');
    for (const [change, message] of [
      [{ added_tokens: [null] }, 'added_tokens is no list of tokens with id and content'],
      [{ model: { type: 'BPE', vocab, merges: [['a', 7]] } }, 'model.merges is no list of pairs of tokens'],
      [{ model: { type: 'WordPiece', vocab: ['a'] } }, 'model.vocab is no JSON object'],
      [{ normalizer: true }, 'normalizer is no JSON object'],
      [
        { type: 'byte-level', vocabulary: {}, merges: [1] },
        'byte-level tokenizer: something of type "byte-level" arrived',
      ],
    ] as const) {
      const damaged = JSON.stringify({ ...file, ...change });
      expect(() => readTokenizerFiles({ 'tokenizer.json': damaged })).toThrow(`tokenizer.json: ${message}`);
    }
    expect(() => readTokenizerFiles({ 'tokenizer.json': '[1' })).toThrow('tokenizer.json: this is not JSON');
    expect(() => readTokenizerFiles({ 'vocab.json': '{}' })).toThrow('arrived: vocab.json; give vocab.txt');
    expect(() => readWordPieceFile('a\nb\n')).toThrow(
      'vocab.txt: word-piece tokenizer: the vocabulary of 2 tokens has no [PAD]',
    );
    expect(() => readWordPieceFile([...special, 'a', 'a'].join('\n'))).toThrow('the token "a" has the ids 5 and 6');
  });
});

describe('learnWordPieces', () => {
  it('learns frequent pieces; a piece keeps its id where two pairs spell it', () => {
    const corpus = [
      'low low low low',
      'lower lower',
      'newest newest newest newest newest newest',
      'widest widest widest',
    ];
    const learned = learnWordPieces(corpus, { vocabularySize: 40 });
    expect(learned.vocabulary()).toContain('newest');
    expect(learned.vocabulary()).toContain('##est');
    expect(new Set(learned.vocabulary()).size).toBe(learned.vocabularySize);
    expect(learned.decode(learned.encode('lowest'))).toBe('lowest');
    expect(learnWordPieces(corpus.toReversed(), { vocabularySize: 40 }).vocabulary()).toEqual(learned.vocabulary());
  });

  it('keeps the frequent characters only, and refuses what cannot be', () => {
    const learned = learnWordPieces(['aaab aaab', 'x'], { vocabularySize: 20, alphabet: 2 });
    expect([...learned.encode('x')]).toEqual([1]);
    expect(() => learnWordPieces(['abc'], { vocabularySize: 6 })).toThrow('are 8 tokens and 6 were asked for');
    expect(() => learnWordPieces([' '], { vocabularySize: 6 })).toThrow('the corpus has no text');
    expect(() => learnWordPieces(['a'], { vocabularySize: 0 })).toThrow('vocabularySize is 0');
  });
});

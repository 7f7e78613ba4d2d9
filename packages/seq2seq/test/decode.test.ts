import { tf, useBackend } from '@milestones/backend';
import { specialTokens, WordTokenizer } from '@milestones/datasets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { align, createTranslator, SentenceDecoder, TextPair, translate, type Translator } from '../src/index.ts';

const size = { sourceVocabulary: 9, targetVocabulary: 8, embedding: 5, hidden: 6, initialization: 'fanIn' } as const;
const options = {
  plain: { ...size, layers: 2, maximumLength: 12 },
  attention: { ...size, kind: 'attention', layers: 1, maxout: 4, maximumLength: 12 },
} as const;
const sources = [[4, 5, 6, 3], [7, 3], [8, 4, 4, 5, 3], [3]];

/** Weights that make the model sure of something: untrained ones prefer nothing. */
function sharpModel(kind: keyof typeof options): Translator {
  const model = createTranslator(options[kind]).initialize(5).eval();
  for (const [name, { value }] of model.namedParameters()) {
    value.assign(tf.mul(value, 4));
    // Or most translations would be cut off.
    if (name === 'head.bias') value.assign(tf.add(value, tf.oneHot(specialTokens.end, 8).mul(4)));
  }
  return model;
}

/** The same by definition: one sentence, one word at a time, the most likely one taken. */
function greedyByHand(model: Translator, source: number[], limit: number): number[] {
  return tf.tidy(() => {
    const encoded = model.encode(tf.tensor2d([source], undefined, 'int32'), tf.tensor1d([source.length], 'int32'));
    const words: number[] = [specialTokens.start];
    while (words.length <= limit) {
      const logits = model
        .decode(encoded, tf.tensor2d([words], undefined, 'int32'))
        .logits.arraySync()
        .at(-1)![0]!;
      const allowed = logits.map((score, token) => (token <= specialTokens.start ? -Infinity : score));
      const next = allowed.indexOf(Math.max(...allowed));
      if (next === specialTokens.end) break;
      words.push(next);
    }
    return words.slice(1);
  });
}

describe.each(['plain', 'attention'] as const)('SentenceDecoder, %s', (kind) => {
  let model: Translator;
  let decoder: SentenceDecoder;

  beforeAll(async () => {
    await useBackend('onnx');
    model = sharpModel(kind);
    decoder = new SentenceDecoder(model);
  });

  afterAll(async () => {
    await decoder.dispose();
    model.dispose();
  });

  it('greedy decoding takes the most likely word each time, whatever else is in the batch', async () => {
    const expected = sources.map((source) => greedyByHand(model, source, 7));
    for (const batchSize of [1, 3, 64]) {
      const found = await decoder.decode(sources, { maximumLength: 7, batchSize });
      expect(found.map(([best]) => best!.tokens)).toEqual(expected);
    }
  });

  it('more beams find translations that are at least as likely', async () => {
    const [greedy, wide] = [
      await decoder.decode(sources, { lengthPenalty: 0, maximumLength: 7 }),
      await decoder.decode(sources, { beams: 4, lengthPenalty: 0, maximumLength: 7 }),
    ];
    // Of a translation that was cut off, only its beginning is known.
    const comparable = wide.flatMap(([best], index) =>
      best!.complete && greedy[index]![0]!.complete ? [[best!.score, greedy[index]![0]!.score] as const] : [],
    );
    expect(comparable.length).toBeGreaterThan(0);
    for (const [wider, narrow] of comparable) expect(wider).toBeGreaterThanOrEqual(narrow - 1e-5);
  });

  it('the probability of a hypothesis is that of its words', async () => {
    const [hypotheses] = await decoder.decode([sources[0]!], { beams: 3, maximumLength: 7 });
    const best = hypotheses![0]!;
    const expected = tf.tidy(() => {
      const encoded = model.encode(tf.tensor2d([sources[0]!], undefined, 'int32'), tf.tensor1d([4], 'int32'));
      const words = [...best.tokens, ...(best.complete ? [specialTokens.end] : [])];
      const { logits } = model.decode(
        encoded,
        tf.tensor2d([[specialTokens.start, ...words.slice(0, -1)]], undefined, 'int32'),
      );
      const scores = tf.logSoftmax(logits).arraySync() as number[][][];
      return words.reduce((sum, word, t) => sum + scores[t]![0]![word]!, 0);
    });
    expect(best.logProbability).toBeCloseTo(expected, 4);
  });

  it('leaks no tensor and restores the mode', async () => {
    model.train();
    await decoder.decode(sources, { beams: 2, maximumLength: 4 });
    const before = tf.memory().numTensors;
    await decoder.decode(sources, { beams: 2, maximumLength: 4 });
    expect(tf.memory().numTensors).toBe(before);
    expect(model.training).toBe(true);
    model.eval();
  });

  it('refuses a sentence that is empty or longer than the model’s maximum', async () => {
    await expect(decoder.decode([[]])).rejects.toThrow('sentence 0 has 0 tokens');
    await expect(decoder.decode([sources[0]!, Array.from({ length: 13 }, () => 4)])).rejects.toThrow(
      'sentence 1 has 13 tokens, its end token included, and the model takes 1 to 12; split it',
    );
  });
});

describe('translate and align', () => {
  const texts = ['a b c', 'd', 'e a'];
  const text = new TextPair({
    sourceLanguage: 'de',
    targetLanguage: 'en',
    source: WordTokenizer.learn(['a b c d e'], { split: 'spaces' }),
    target: WordTokenizer.learn(['w x y z'], { split: 'spaces' }),
  });

  beforeAll(async () => {
    await useBackend('onnx');
  });

  it('reads the source reversed where the model does, its end token last', () => {
    expect(Array.from(text.encodeSource('a b c', false))).toEqual([4, 5, 6, 3]);
    expect(Array.from(text.encodeSource('a b c', true))).toEqual([6, 5, 4, 3]);
    expect(Array.from(text.encodeTarget('w x'))).toEqual([2, 4, 5, 3]);
    const pairs = text.encodePairs(
      { name: '', source: ['a b'], target: ['z'], sourceLanguage: '', targetLanguage: '' },
      true,
    );
    expect(pairs.source.map((ids) => Array.from(ids))).toEqual([[5, 4, 3]]);
  });

  it('a reversed model translates what an unreversed one makes of the reversed text', async () => {
    const model = sharpModel('plain');
    const straight = createTranslator({ ...options.plain, reverseSource: false });
    straight.loadStateDict(model.stateDict());
    model.text = text;
    straight.text = text;
    const found = await translate(model, texts, { maximumLength: 6 });
    const reversed = texts.map((sentence) => sentence.split(' ').toReversed().join(' '));
    expect(found).toEqual(await translate(straight, reversed, { maximumLength: 6 }));
    expect(found).toHaveLength(3);
    for (const { text: translated } of found) expect(translated).toMatch(/^[wxyz ]*$/);
    model.dispose();
    straight.dispose();
  });

  it('alignments are one distribution over the source for each target word', async () => {
    const model = sharpModel('attention');
    model.text = text;
    const [translation] = await translate(model, ['a b c'], { maximumLength: 5 });
    const { source, target, weights } = await align(model, 'a b c', translation!);
    expect(source).toEqual(['c', 'b', 'a', '⏎']);
    expect(target).toHaveLength(translation!.tokens.length + 1);
    expect(weights).toHaveLength(target.length);
    for (const row of weights) {
      expect(row).toHaveLength(4);
      expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    }
    model.dispose();
  });

  it('says what is wrong with a text or a model', async () => {
    const model = sharpModel('plain');
    await expect(translate(model, ['a'])).rejects.toThrow('this model has no vocabularies; set model.text');
    model.text = text;
    await expect(translate(model, ['a', '  '])).rejects.toThrow('text 2 is empty; give a sentence');
    await expect(translate(model, ['a '.repeat(12)])).rejects.toThrow(
      'text 1 has 13 tokens, its end token included, and the model takes at most 12',
    );
    await expect(align(model, 'a', { tokens: [4] })).rejects.toThrow('this model has no attention');
    model.dispose();
  });
});

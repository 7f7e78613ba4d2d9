import { tf, useBackend, type EngineName } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { Transformer, translate, translateTokens, type TransformerOptions } from '../src/index.ts';

const small = {
  sourceVocabulary: 30,
  targetVocabulary: 25,
  shareEmbeddings: 'target',
  outputBias: true,
  features: 16,
  heads: 2,
  feedForward: 32,
  encoderLayers: 2,
  decoderLayers: 2,
  maximumLength: 40,
} as const satisfies TransformerOptions;
const sources = [
  [5, 6, 7, 3],
  [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 3],
  [4, 3],
];

/** Greedy decoding by the whole net, one sentence at a time, nothing kept. */
function greedy(model: Transformer, source: number[], most: number): { tokens: number[]; logProbability: number } {
  const written = [2];
  let logProbability = 0;
  for (;;) {
    const scores = tf.tidy(() => {
      const [S, T] = [source.length, written.length];
      const logits = model.forward(
        tf.tensor2d([source], [1, S], 'int32'),
        tf.tensor1d([S], 'int32'),
        tf.tensor2d([written], [1, T], 'int32'),
      );
      return tf.logSoftmax(tf.reshape(tf.slice(logits, [0, T - 1, 0], [1, 1, -1]), [-1])).dataSync();
    });
    const best = scores.indexOf(Math.max(...scores));
    logProbability += scores[best]!;
    if (best === 3) break;
    written.push(best);
    if (written.length - 1 === most) break;
  }
  return { tokens: written.slice(1), logProbability };
}

describe.each(['cpu', 'onnx'] satisfies EngineName[])('translateTokens on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
  });

  it.each(['post', 'pre'] as const)(
    'with caches and in batches equals greedy decoding without (%s-LN)',
    async (normalization) => {
      const model = new Transformer({ ...small, normalization }).initialize(1).eval();
      const before = tf.memory().numTensors;
      const found = await translateTokens(model, sources, { beams: 1, extraTokens: 30, batchSize: 2 });
      expect(tf.memory().numTensors).toBe(before);
      for (const [index, source] of sources.entries()) {
        const expected = greedy(model, source, Math.min(40, source.length + 30));
        expect(found[index]!.tokens).toEqual(expected.tokens);
        expect(found[index]!.logProbability).toBeCloseTo(expected.logProbability, 3);
      }
      model.dispose();
    },
  );

  it('gives a sentence the same hypothesis alone and among others, whatever their number', async () => {
    const model = new Transformer(small).initialize(5).eval();
    const options = { beams: 3, extraTokens: 10 };
    const together = await translateTokens(model, sources, { ...options, batchSize: 2 });
    for (const [index, source] of sources.entries()) {
      const [alone] = await translateTokens(model, [source], options);
      expect(alone!.tokens).toEqual(together[index]!.tokens);
      expect(alone!.score).toBeCloseTo(together[index]!.score, 3);
    }
    model.dispose();
  });
});

describe('translate', () => {
  beforeAll(async () => {
    await useBackend('cpu');
  });

  it('names bad input', async () => {
    const model = new Transformer(small).initialize(1);
    await expect(translateTokens(model, [[4, 3], []])).rejects.toThrow('sentence 1 has 0 tokens');
    await expect(translateTokens(model, [Array.from({ length: 41 }, () => 4)])).rejects.toThrow(
      'this model reads 1 to 40',
    );
    await expect(translateTokens(model, [[4, 30]])).rejects.toThrow('token 1 of sentence 0 is 30');
    await expect(translateTokens(model, [[4]], { beams: 0 })).rejects.toThrow('beams is 0');
    await expect(translate(model, ['four'])).rejects.toThrow('set model.tokenizers');
    expect(await translateTokens(model, [])).toEqual([]);
    expect(model.training).toBe(true);
  });
});

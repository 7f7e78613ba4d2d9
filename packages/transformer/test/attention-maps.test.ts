import { tf, useBackend, type EngineName } from '@milestones/backend';
import { WordTokenizer } from '@milestones/datasets';
import { beforeAll, describe, expect, it } from 'vitest';
import { attentionMaps, Transformer, translationPicture } from '../src/index.ts';

function newModel(normalization: 'post' | 'pre'): Transformer {
  const model = new Transformer({
    sourceVocabulary: 7,
    targetVocabulary: 6,
    shareEmbeddings: 'none',
    features: 8,
    heads: 2,
    feedForward: 8,
    encoderLayers: 2,
    decoderLayers: 3,
    maximumLength: 8,
    normalization,
  }).initialize(1);
  model.tokenizers = {
    source: WordTokenizer.learn(['a b c'], { split: 'spaces' }),
    target: WordTokenizer.learn(['x y'], { split: 'spaces' }),
  };
  return model;
}

describe.each(['cpu', 'onnx'] satisfies EngineName[])('attentionMaps on %s', (engine) => {
  beforeAll(async () => {
    await useBackend(engine);
  });

  it.each(['post', 'pre'] as const)(
    'has a row that sums to 1 for every token, layer and head (%s-LN)',
    async (kind) => {
      const model = newModel(kind);
      const before = tf.memory().numTensors;
      const { source, target, encoder, cross } = await attentionMaps(model, 'a c b', 'y x');
      expect(tf.memory().numTensors).toBe(before);
      expect(source).toEqual(['a', 'c', 'b', '⏎']);
      expect(target).toEqual(['y', 'x', '⏎']);
      for (const [maps, layers, rows] of [
        [encoder, 2, 4],
        [cross, 3, 3],
      ] as const) {
        expect(maps.map((heads) => heads.map((head) => head.length))).toEqual(Array(layers).fill([rows, rows]));
        for (const row of maps.flat(2))
          expect([row.length, row.reduce((a, b) => a + b)]).toEqual([4, expect.closeTo(1, 5)]);
      }
      expect(model.training).toBe(true);
      model.dispose();
    },
  );

  it('are those of the first decoder layer, computed by hand', async () => {
    const model = newModel('post').eval();
    const { cross } = await attentionMaps(model, 'a c', 'y');
    const expected = tf.tidy(() => {
      const memory = model.encode(tf.tensor2d([[4, 6, 3]], undefined, 'int32'));
      const x = model.targetEmbedding.forward(tf.tensor2d([[2, 5]], undefined, 'int32'));
      const layer = model.decoder[0]!;
      const h = layer.attentionResidual.forward(x, (y) => layer.attention.forward(y));
      const { keys } = layer.crossAttention.keysAndValues(memory);
      return layer.crossAttention.weights(h, keys).arraySync() as number[][][][];
    });
    expected[0]!.forEach((head, n) =>
      head.forEach((row, t) => row.forEach((value, s) => expect(cross[0]![n]![t]![s]).toBeCloseTo(value, 5))),
    );
    model.dispose();
  });
});

describe('translationPicture', () => {
  it('draws three heads with their words', async () => {
    await useBackend('cpu');
    const model = newModel('post');
    const svg = translationPicture(await attentionMaps(model, 'a b', 'x'));
    for (const title of ['decoder layer 3, mean of 2 heads', 'decoder layer 3, head ', 'encoder layer 2, head ']) {
      expect(svg).toContain(title);
    }
    expect(svg.match(/<rect/g)).toHaveLength(1 + 3 + 2 * 3 + 2 * 3 + 3 * 3);
    await expect(attentionMaps(model, ' ', 'x')).rejects.toThrow('the sentence is empty');
    model.tokenizers = undefined;
    await expect(attentionMaps(model, 'a', 'x')).rejects.toThrow('has no tokenizers');
    model.dispose();
  });
});

import { readFileSync } from 'node:fs';
import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  causalMask,
  Dense,
  Dropout,
  Embedding,
  LayerNorm,
  Maxout,
  MultiHeadAttention,
  Random,
  RandomKey,
  WeightNormDense,
  type AttentionCall,
} from '../../src/index.ts';
import { checkLayer, expectClose, type LayerFixture } from '../../src/testing.ts';

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/layers.json', import.meta.url), 'utf8')) as Record<
  string,
  LayerFixture
>;

beforeAll(async () => {
  await useBackend('cpu');
});

describe('layers against PyTorch, finite differences, and each other on all engines', () => {
  const self = { features: 4, heads: 2 };

  it('Dense', () =>
    checkLayer({ make: () => new Dense(4, 5), forward: (layer, x) => layer.forward(x), fixture: fixtures['dense']! }));

  it('Dense without a bias', () =>
    checkLayer({
      make: () => new Dense(4, 5, { bias: false }),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['denseWithoutBias']!,
    }));

  it('Maxout', () =>
    checkLayer({
      make: () => new Maxout(4, 3, 5),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['maxout']!,
      engines: ['cpu', 'wasm', 'onnx'],
      finiteDifferences: { step: 1e-3, tolerance: 5e-3 }, // a larger step passes from one piece to the next
    }));

  it('Maxout of one piece is refused', () => {
    expect(() => new Maxout(4, 3, 1)).toThrow('1 pieces arrived; give a whole number of at least 2');
  });

  it('WeightNormDense', () =>
    checkLayer({
      make: () => new WeightNormDense(4, 5),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['weightNorm']!,
      engines: ['cpu', 'wasm', 'onnx'],
    }));

  it('WeightNormDense without a bias, and its start from data', () => {
    const bare = new WeightNormDense(4, 5, { bias: false }).initialize(1);
    const layer = new WeightNormDense(4, 5).initialize(1);
    tf.tidy(() => {
      const x = tf.add(tf.mul(tf.tensor2d(new Random(1).normalArray(400), [100, 4]), 3), 7);
      // Weight vectors of length 1: outputs follow the direction alone.
      layer.direction.assign(tf.mul(layer.direction.value, tf.tensor1d([1, 10, 0.1, 2, 3])));
      expectClose(layer.forward(x), bare.forward(x), 1e-5);
      layer.initializeByData(x);
      const { mean, variance } = tf.moments(layer.forward(x), 0);
      expectClose(mean, tf.zeros([5]), 1e-4);
      expectClose(variance, tf.ones([5]), 1e-4);
      expect(() => bare.initializeByData(x)).toThrow('initializeByData needs a bias');
      expect(() => layer.forward(tf.zeros([2, 3]))).toThrow('its last size must be 4');
    });
    bare.dispose();
    layer.dispose();
  });

  it('Embedding', () =>
    checkLayer({
      make: () => new Embedding(7, 4),
      forward: (layer, ids) => layer.forward(ids),
      fixture: fixtures['embedding']!,
    }));

  it('LayerNorm', () =>
    checkLayer({
      make: () => new LayerNorm(4),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['layerNorm']!,
    }));

  it('LayerNorm without a bias', () =>
    checkLayer({
      make: () => new LayerNorm(4, { bias: false }),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['layerNormWithoutBias']!,
    }));

  it('MultiHeadAttention, causal', () =>
    checkLayer({
      make: () => new MultiHeadAttention({ ...self, causal: true, bias: false }),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['causalAttention']!,
    }));

  it('MultiHeadAttention', () =>
    checkLayer({
      make: () => new MultiHeadAttention(self),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['attention']!,
    }));

  it('MultiHeadAttention to another sequence', () =>
    checkLayer({
      make: () => new MultiHeadAttention({ ...self, outputBias: false }),
      forward: (layer, x, memory) => layer.forward(x, { memory }),
      fixture: fixtures['crossAttention']!,
    }));

  it('Dropout', () =>
    checkLayer({
      make: () => new Dropout(0.4),
      forward: (layer, x) => layer.forward(x, new RandomKey(tf.tensor1d([7, 8], 'int32'))),
      inputs: [tf.tensor2d(new Random(1).normalArray(40), [5, 8])],
      mode: 'train',
      dependsOnMode: true,
    }));
});

describe('Dense', () => {
  it('names the sizes that do not fit', () => {
    const layer = new Dense(3, 2).initialize(1);
    expect(() => layer.forward(tf.zeros([2, 4]))).toThrow(
      'Dense: input of shape [2, 4] arrived for a layer of 3 input features; its last size must be 3.',
    );
  });
});

describe('Embedding', () => {
  it('refuses ids that are not whole numbers', () => {
    const layer = new Embedding(3, 2).initialize(1);
    expect(() => layer.forward(tf.tensor1d([0.5]))).toThrow('ids of type float32 arrived; ids are int32');
  });

  it('adds the gradients of an id that occurs twice', () => {
    const layer = new Embedding(3, 2).initialize(1);
    const ids = tf.tensor1d([1, 1, 2], 'int32');
    const { grads } = tf.variableGrads(() => tf.sum(layer.forward(ids)) as tf.Scalar, [layer.weight.value]);
    expectClose(grads[layer.weight.value.name]!, [0, 0, 2, 2, 1, 1]);
  });
});

describe('LayerNorm', () => {
  it('keeps its accuracy on inputs with a large mean', () => {
    const layer = new LayerNorm(4).initialize(1);
    // The values differ by whole numbers that float32 holds exactly beside 100,000.
    const x = tf.tensor2d([[100_000, 100_001, 100_002, 100_003]]);
    const scale = 1 / Math.sqrt(1.25 + 1e-5);
    expectClose(layer.forward(x), [-1.5 * scale, -0.5 * scale, 0.5 * scale, 1.5 * scale]);
  });

  it('names the size that does not fit', () => {
    expect(() => new LayerNorm(4).initialize(1).forward(tf.zeros([2, 3]))).toThrow('its last size must be 4');
  });
});

describe('Dropout', () => {
  const x = tf.ones([100, 100]);
  const key = (): RandomKey => new RandomKey(new Random(5, 'dropout').keyAt(0));

  it('zeroes its share, scales the rest, and keeps the mean', () => {
    const values = new Dropout(0.25).forward(x, key()).dataSync();
    const zeros = values.filter((value) => value === 0).length;
    expect(zeros / values.length).toBeCloseTo(0.25, 1);
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  });

  it('draws the same mask from the same key, and another from another place', () => {
    const layer = new Dropout(0.5);
    const first = layer.forward(x, key().fold('a')).dataSync();
    expect(layer.forward(x, key().fold('a')).dataSync()).toEqual(first);
    expect(layer.forward(x, key().fold('b')).dataSync()).not.toEqual(first);
  });

  it('needs a key in training mode only', () => {
    const layer = new Dropout(0.5);
    expect(() => layer.forward(x)).toThrow('a layer of rate 0.5 in training mode got no random key; pass key.fold(');
    expect(layer.eval().forward(x)).toBe(x);
    expect(new Dropout(0).forward(x)).toBe(x);
  });

  it.each([-0.1, 1, Number.NaN])('refuses the rate %d', (rate) => {
    expect(() => new Dropout(rate)).toThrow(`Dropout: the rate ${rate} arrived; give the probability to drop`);
  });
});

describe('MultiHeadAttention', () => {
  it('says which sizes would divide', () => {
    expect(() => new MultiHeadAttention({ features: 130, heads: 4 })).toThrow(
      'attention: 130 features do not divide by 4 heads; choose a multiple of 4, for example 128 or 132.',
    );
    expect(() => new MultiHeadAttention({ features: 2, heads: 4 })).toThrow('for example 4.');
  });

  it('lets no position see what follows it', () => {
    const layer = new MultiHeadAttention({ features: 8, heads: 2, causal: true }).initialize(2).eval();
    const x = tf.tensor3d(new Random(3).normalArray(2 * 5 * 8), [2, 5, 8]);
    const changed = tf.concat([tf.slice(x, [0, 0, 0], [2, 3, 8]), tf.ones([2, 2, 8])], 1);
    const before = tf.slice(layer.forward(x), [0, 0, 0], [2, 3, 8]);
    const after = tf.slice(layer.forward(changed), [0, 0, 0], [2, 3, 8]);
    expectClose(after, Array.from(before.dataSync()), 1e-6);
  });

  it('ignores masked positions, even where a row allows none', () => {
    const layer = new MultiHeadAttention({ features: 4, heads: 1 }).initialize(2).eval();
    const x = tf.tensor3d(new Random(3).normalArray(3 * 4), [1, 3, 4]);
    const mask = tf.tensor2d([0, -1e9, -1e9, -1e9, -1e9, -1e9, 0, 0, 0], [3, 3]);
    const call: AttentionCall = { mask };
    const all = layer.forward(x, call);
    expect(Array.from(all.dataSync()).every(Number.isFinite)).toBe(true);
    const alone = layer.forward(tf.slice(x, [0, 0, 0], [1, 1, 4]));
    expectClose(tf.slice(all, [0, 0, 0], [1, 1, 4]), Array.from(alone.dataSync()), 1e-6);
  });

  it('drops attention weights in training mode', () => {
    const layer = new MultiHeadAttention({ features: 4, heads: 2, dropout: 0.5 }).initialize(2);
    const x = tf.tensor3d(new Random(3).normalArray(3 * 4), [1, 3, 4]);
    const key = new RandomKey(tf.tensor1d([1, 2], 'int32'));
    const trained = layer.train().forward(x, { key }).dataSync();
    expect(layer.eval().forward(x).dataSync()).not.toEqual(trained);
  });

  it('masks relative to the end when earlier positions are cached', () => {
    expect(Array.from(causalMask(2, 4).dataSync())).toEqual([0, 0, 0, -1e9, 0, 0, 0, 0]);
  });
});

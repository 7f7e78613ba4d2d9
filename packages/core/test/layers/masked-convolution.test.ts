import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { MaskedConvolution2D, Random } from '../../src/index.ts';
import { checkLayer, expectClose } from '../../src/testing.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const normals = (shape: [number, number, number, number], seed: number): tf.Tensor4D =>
  tf.tensor4d(new Random(seed).normalArray(shape.reduce((product, each) => product * each, 1)), shape);

describe.each([
  ['A', 0],
  ['B', 1],
] as const)('MaskedConvolution2D, mask %s', (mask, itself) => {
  it('passes the gate of every layer', async () => {
    const x = normals([1, 4, 3, 2], 1);
    await checkLayer({
      make: () => new MaskedConvolution2D({ inputChannels: 2, outputChannels: 3, size: 3, mask }),
      forward: (layer, images) => layer.forward(images as tf.Tensor4D),
      inputs: [x],
    });
    x.dispose();
  });

  it('shows what comes before a pixel within the filter, and nothing else', () => {
    const layer = new MaskedConvolution2D({ inputChannels: 2, outputChannels: 2, size: [3, 5], mask }).initialize(1);
    layer.loadStateDict({ ...layer.stateDict(), weight: tf.ones([3, 5, 2, 2]) });
    tf.tidy(() => {
      // Of the output at row 1, column 2 of 4 × 5: both rows of reach, five columns of the first, two of its own.
      const at = (x: tf.Tensor): tf.Tensor => tf.slice(layer.forward(x as tf.Tensor4D), [0, 1, 2, 0], [1, 1, 1, 1]);
      const slope = tf.grad(at)(normals([1, 4, 5, 2], 2));
      const expected = [
        [1, 1, 1, 1, 1],
        [1, 1, itself, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
      ].flat();
      expectClose(slope, { shape: [1, 4, 5, 2], values: expected.flatMap((value) => [value, value]) }, 1e-6);
    });
    layer.dispose();
  });

  it('keeps the causality of the whole image through layers', () => {
    const layers = [mask, 'B', 'B'].map((each, index) =>
      new MaskedConvolution2D({
        inputChannels: index === 0 ? 1 : 4,
        outputChannels: 4,
        size: 3,
        mask: each as 'A' | 'B',
      }).initialize(index),
    );
    tf.tidy(() => {
      const net = (x: tf.Tensor): tf.Tensor =>
        layers.reduce<tf.Tensor>((features, layer) => tf.tanh(layer.forward(features as tf.Tensor4D)), x);
      for (const pixel of [0, 7, 12, 24]) {
        const at = (x: tf.Tensor): tf.Tensor => tf.slice(tf.reshape(net(x), [25, 4]), [pixel, 0], [1, 4]);
        const slope = tf
          .grad(at)(normals([1, 5, 5, 1], 3))
          .dataSync();
        expect([...slope.subarray(pixel + itself)].every((value) => value === 0)).toBe(true);
        // The last pixel that counts does count; the first pixel with mask A has none.
        const last = slope[pixel + itself - 1];
        expect(last).not.toBe(0);
      }
    });
    for (const layer of layers) layer.dispose();
  });
});

describe('MaskedConvolution2D', () => {
  it('says what does not fit', () => {
    const options = { inputChannels: 1, outputChannels: 1, size: 3, mask: 'A' } as const;
    expect(() => new MaskedConvolution2D({ ...options, size: [3, 4] })).toThrow('size is 3 × 4; give odd numbers');
    expect(() => new MaskedConvolution2D({ ...options, mask: 'C' as 'A' })).toThrow('mask is "C"; choose \'A\'');
    expect(() => new MaskedConvolution2D({ ...options, size: 1 })).toThrow("mask 'A' sees nothing");
    const layer = new MaskedConvolution2D(options);
    expect(() => layer.forward(tf.zeros([1, 4, 4, 2]))).toThrow('give images [batch, height, width, 1 channels]');
  });
});

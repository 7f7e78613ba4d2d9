import { readFileSync } from 'node:fs';
import { compile, tf, useBackend } from '@milestones/backend';
import { dataToTensors, RandomKey, type TensorData } from '@milestones/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { AlexNet, CifarNet, importTorchvision } from '../src/index.ts';
import { formulaImage, formulaTensor } from '../../core/test/formula-weights.ts';

describe('the number of weights, layer by layer, without allocating one', () => {
  it.each([
    ['two-tower', [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000], 60_965_224],
    ['ungrouped', [34_944, 614_656, 885_120, 1_327_488, 884_992, 37_752_832, 16_781_312, 4_097_000], 62_378_344],
    ['torchvision', [23_296, 307_392, 663_936, 884_992, 590_080, 37_752_832, 16_781_312, 4_097_000], 61_100_840],
  ] as const)('%s', (variant, layers, total) => {
    const before = tf.memory().numTensors;
    const model = new AlexNet({ variant });
    expect([...model.convolutions, ...model.dense].map((layer) => layer.parameterCount())).toEqual(layers);
    expect(model.parameterCount()).toBe(total);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('of the companion net: 89,578, with either activation', () => {
    const net = new CifarNet();
    expect([...net.convolutions, net.head].map((layer) => layer.parameterCount())).toEqual([
      2432, 25_632, 51_264, 10_250,
    ]);
    expect(new CifarNet({ activation: 'tanh', responseNormalization: false }).parameterCount()).toBe(89_578);
  });
});

describe('torchvision’s alexnet', () => {
  const reference = (
    JSON.parse(readFileSync(new URL('./fixtures/torchvision.json', import.meta.url), 'utf8')) as {
      alexnet: { size: number; weights: number; sums: Record<string, number>; logits: number[] };
    }
  ).alexnet;
  let tensors: Record<string, TensorData>;

  beforeAll(async () => {
    await useBackend('onnx');
    const shapes: Record<string, number[]> = {
      'features.0': [64, 3, 11, 11],
      'features.3': [192, 64, 5, 5],
      'features.6': [384, 192, 3, 3],
      'features.8': [256, 384, 3, 3],
      'features.10': [256, 256, 3, 3],
      'classifier.1': [4096, 9216],
      'classifier.4': [4096, 4096],
      'classifier.6': [1000, 4096],
    };
    tensors = {};
    for (const [name, shape] of Object.entries(shapes)) {
      tensors[`${name}.weight`] = formulaTensor(`${name}.weight`, shape, 4);
      tensors[`${name}.bias`] = formulaTensor(`${name}.bias`, [shape[0]!], 4);
    }
  }, 60_000);

  it('starts from the very numbers that the reference had', () => {
    for (const [name, sum] of Object.entries(reference.sums)) {
      const total = (tensors[name]!.data as Float32Array).reduce((so, value) => so + value, 0);
      expect(total, name).toBeCloseTo(sum, 2);
    }
  });

  it('gives the same logits to 1e-4', async () => {
    const model = new AlexNet({ variant: 'torchvision' });
    expect(model.parameterCount()).toBe(reference.weights);
    const state = dataToTensors(importTorchvision(tensors));
    model.loadStateDict(state);
    tf.dispose(state);
    model.eval();
    const image = dataToTensors({ image: formulaImage(reference.size) })['image'] as tf.Tensor4D;
    const forward = compile((x: tf.Tensor4D) => model.forward(x));
    const logits = await forward(image);
    const values = await logits.data();
    expect(values.length).toBe(1000);
    const worst = reference.logits.reduce((most, value, index) => Math.max(most, Math.abs(value - values[index]!)), 0);
    expect(worst).toBeLessThan(1e-4);
    await forward.dispose();
    tf.dispose([image, logits]);
    model.dispose();
  }, 60_000);

  it('names weights of another network', () => {
    const { 'classifier.6.bias': bias, ...rest } = tensors;
    expect(() => importTorchvision(rest)).toThrow('missing: classifier.6.bias');
    expect(() => importTorchvision({ ...tensors, 'fc.bias': bias! })).toThrow('unknown: fc.bias');
  });
});

describe('the companion net', () => {
  beforeAll(async () => {
    await useBackend('cpu');
  });

  it('begins as its layer files say: tiny weights, so that it guesses', () => {
    const net = new CifarNet().initialize(1).eval();
    const images = tf.randomNormal([2, 32, 32, 3], 0, 60, 'float32', 1) as tf.Tensor4D;
    const logits = tf.tidy(() => net.forward(images));
    expect(logits.shape).toEqual([2, 10]);
    expect(Math.max(...tf.abs(logits).dataSync())).toBeLessThan(0.1);
    net.dispose();
  });

  it('differs between its activations, and with and without response normalisation', () => {
    const images = tf.randomNormal([1, 32, 32, 3], 0, 60, 'float32', 1) as tf.Tensor4D;
    const logits = (['relu', 'tanh'] as const).flatMap((activation) =>
      [true, false].map((responseNormalization) => {
        const options = { activation, responseNormalization, initialization: 'fanIn' } as const;
        const net = new CifarNet(options).initialize(1).eval();
        const values = tf
          .tidy(() => net.forward(images))
          .dataSync()
          .join();
        net.dispose();
        return values;
      }),
    );
    expect(new Set(logits).size).toBe(4);
  });

  it('names images of another size', () => {
    const net = new CifarNet().initialize(1);
    expect(() => net.forward(tf.ones([1, 28, 28, 3]) as tf.Tensor4D)).toThrow('takes 32×32');
    expect(() => new AlexNet().forward(tf.ones([1, 227, 227, 3]) as tf.Tensor4D)).toThrow('takes 224×224');
    net.dispose();
  });
});

describe('AlexNet', () => {
  it('has ones for biases in layers 2, 4 and 5 and in the hidden dense layers, zeros elsewhere', () => {
    const model = new AlexNet({ classes: 3 });
    const first = [...model.convolutions, ...model.dense].map(({ bias }) => {
      bias!.initialize(undefined as never);
      return bias!.value.dataSync()[0];
    });
    expect(first).toEqual([0, 1, 0, 1, 1, 1, 1, 0]);
    model.dispose();
  });

  it('needs a key for its dropout in training mode', async () => {
    await useBackend('onnx');
    const model = new AlexNet({ classes: 2 }).train();
    // Drawing 60 million weights takes seconds; zeros do here.
    const zeros = tf.tidy(() =>
      Object.fromEntries([...model.namedParameters()].map(([name, { shape }]) => [name, tf.zeros([...shape])])),
    );
    model.loadStateDict(zeros);
    tf.dispose(zeros);
    const images = tf.zeros([1, 224, 224, 3]) as tf.Tensor4D;
    expect(() => tf.tidy(() => model.forward(images))).toThrow('Dropout');
    const logits = tf.tidy(() => model.forward(images, new RandomKey(tf.tensor1d([1, 2], 'int32'))));
    expect(logits.shape).toEqual([1, 2]);
    model.dispose();
  });
});

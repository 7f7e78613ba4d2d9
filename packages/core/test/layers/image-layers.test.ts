/** Facts about the layers for images that no fixture states. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import {
  averagePool2d,
  BatchNorm,
  Convolution2D,
  globalAveragePool2d,
  localResponseNormalization,
  maxPool2d,
  Random,
  TransposedConvolution2D,
} from '../../src/index.ts';
import {
  compareEngines,
  expectClose,
  unpack,
  withEngine,
  type LayerFixture,
  type PackedTensor,
} from '../../src/testing.ts';

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/vision.json', import.meta.url), 'utf8')) as Record<
  string,
  LayerFixture & { running: Record<'mean' | 'variance', PackedTensor> }
>;

const normals = (shape: [number, number, number, number], seed: number): tf.Tensor4D => {
  const size = shape.reduce((product, each) => product * each, 1);
  return tf.tensor4d(new Random(seed).normalArray(size), shape);
};

beforeAll(async () => {
  await useBackend('cpu');
});

describe('Convolution2D', () => {
  it('with groups is a convolution of each group by itself', () => {
    tf.tidy(() => {
      const grouped = new Convolution2D({ inputChannels: 4, outputChannels: 6, size: 3, groups: 2 }).initialize(1);
      const x = normals([2, 5, 5, 4], 1);
      const filters = tf.split(grouped.weight.value, 2, 3) as tf.Tensor4D[];
      const parts = (tf.split(x, 2, 3) as tf.Tensor4D[]).map((each, group) =>
        tf.conv2d(each, filters[group]!, 1, 'valid'),
      );
      expectClose(grouped.forward(x), Array.from(tf.add(tf.concat(parts, 3), grouped.bias!.value).dataSync()), 1e-6);
      grouped.dispose();
    });
  });

  it('pads as TensorFlow where the padding is "same", and not at all where it is "valid"', () => {
    tf.tidy(() => {
      const options = { inputChannels: 1, outputChannels: 1, size: 2, stride: 2, bias: false } as const;
      const same = new Convolution2D({ ...options, padding: 'same' });
      const valid = new Convolution2D({ ...options, padding: 'valid' });
      for (const layer of [same, valid]) layer.loadStateDict({ weight: tf.ones([2, 2, 1, 1]) });
      const x = tf.reshape(tf.range(0, 9), [1, 3, 3, 1]) as tf.Tensor4D;
      expectClose(same.forward(x), { shape: [1, 2, 2, 1], values: [8, 7, 13, 8] });
      expectClose(valid.forward(x), { shape: [1, 1, 1, 1], values: [8] });
    });
  });

  it('declares shapes and counts without memory', () => {
    const layer = new Convolution2D({ inputChannels: 96, outputChannels: 256, size: 5, padding: 2, groups: 2 });
    expect(layer.weight.shape).toEqual([5, 5, 48, 256]);
    expect(layer.parameterCount()).toBe(307_456);
  });

  it('begins within ±1/√fan', () => {
    const layer = new Convolution2D({ inputChannels: 4, outputChannels: 8, size: 3, groups: 2 }).initialize(1);
    const bound = 1 / Math.sqrt(9 * 2);
    for (const { value } of [layer.weight, layer.bias!]) {
      const largest = Math.max(...value.dataSync().map(Math.abs));
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.7 * bound);
    }
    layer.dispose();
  });

  it('says what does not fit', () => {
    const options = { inputChannels: 3, outputChannels: 4, size: 3 };
    expect(() => new Convolution2D({ ...options, groups: 2 })).toThrow(
      'Convolution2D: 3 input and 4 output channels do not divide by 2 groups; choose a number of groups that divides both.',
    );
    expect(() => new Convolution2D({ ...options, stride: 2, dilation: 2 })).toThrow('one of the two must be 1.');
    expect(() => new Convolution2D({ ...options, stride: 0 })).toThrow(
      'Convolution2D: stride is 0; give a whole number of at least 1, or two of them, [height, width].',
    );
    expect(() => new Convolution2D({ ...options, padding: [1, -1] })).toThrow('padding is [1, -1]');
    const layer = new Convolution2D(options);
    expect(() => layer.forward(tf.zeros([1, 8, 8, 4]))).toThrow(
      'Convolution2D: input of shape [1, 8, 8, 4] arrived; give images [batch, height, width, 3 channels].',
    );
    expect(() => layer.forward(tf.zeros([1, 8, 2, 3]))).toThrow('a filter that reaches over 3 columns with padding 0');
  });
});

describe('TransposedConvolution2D', () => {
  it('leads a strided convolution back to the shape it came from', () => {
    const there = new Convolution2D({ inputChannels: 2, outputChannels: 3, size: 4, stride: 2, padding: 1 }).initialize(
      1,
    );
    const back = new TransposedConvolution2D({ inputChannels: 3, outputChannels: 2, size: 4, stride: 2, padding: 1 });
    back.initialize(2);
    const x = normals([1, 8, 6, 2], 1);
    expect(back.forward(there.forward(x)).shape).toEqual(x.shape);
  });

  it('says what does not fit', () => {
    const options = { inputChannels: 2, outputChannels: 3, size: 2 };
    expect(() => new TransposedConvolution2D({ ...options, stride: 2, outputPadding: 2 })).toThrow(
      'output padding 2 × 2 arrived with stride 2 × 2; the output padding must be less than the stride.',
    );
    const layer = new TransposedConvolution2D({ ...options, padding: 1 }).initialize(1);
    expect(() => layer.forward(tf.zeros([1, 1, 1, 2]))).toThrow('would give an output of 0 × 0 pixels');
  });
});

describe('pooling', () => {
  it('has as many windows as the rounding says', () => {
    const sizes = (extent: number, ceil: boolean): number =>
      maxPool2d(tf.zeros([1, extent, extent, 1]), { size: 3, stride: 2, ceil }).shape[1];
    expect([55, 27, 13, 32, 16, 8].map((extent) => sizes(extent, false))).toEqual([27, 13, 6, 15, 7, 3]);
    expect([55, 27, 13, 32, 16, 8].map((extent) => sizes(extent, true))).toEqual([27, 13, 6, 16, 8, 4]);
  });

  it('divides by what a window sees, in three ways', () => {
    const x = tf.ones([1, 4, 1, 1]) as tf.Tensor4D;
    const average = (countPadding: boolean): Float32Array =>
      averagePool2d(x, {
        size: [4, 1],
        stride: [3, 1],
        padding: [1, 0],
        ceil: true,
        countPadding,
      }).dataSync() as Float32Array;
    // Windows of rows −1 … 2 and 2 … 5; row 4 is padding, row 5 is there by rounding up alone.
    expectClose(average(true), [3 / 4, 2 / 3]);
    expectClose(average(false), [1, 1]);
  });

  it('leaves out a window that would begin in the padding', () => {
    expect(maxPool2d(tf.zeros([1, 3, 3, 1]), { size: 2, stride: 2, padding: 1, ceil: true }).shape).toEqual([
      1, 2, 2, 1,
    ]);
  });

  it('says what does not fit', () => {
    expect(() => maxPool2d(tf.zeros([1, 2, 2, 1]), { size: 3 })).toThrow(
      'maxPool2d: windows of 3 × 3 with padding 0 × 0 do not fit images of shape [1, 2, 2, 1]',
    );
    expect(() => averagePool2d(tf.zeros([1, 8, 8, 1]), { size: 2, padding: 2 })).toThrow('the padding half a window.');
    expect(() => globalAveragePool2d(tf.zeros([2, 3]) as tf.Tensor as tf.Tensor4D)).toThrow(
      'give images [batch, height, width, channels]',
    );
  });
});

describe('localResponseNormalization', () => {
  it('is the formula of the paper, summed channel by channel', () => {
    const x = normals([2, 2, 2, 9], 4);
    const values = x.dataSync();
    const expected = values.map((value, index) => {
      const channel = index % 9;
      let sum = 0;
      for (let j = Math.max(0, channel - 2); j <= Math.min(8, channel + 2); j++)
        sum += values[index - channel + j]! ** 2;
      return value / (2 + 0.1 * sum) ** 0.75;
    });
    expectClose(localResponseNormalization(x, { alpha: 0.1 }), expected, 1e-6);
  });

  it('divided by n, takes n times the α', () => {
    const x = normals([1, 2, 2, 8], 4);
    const paper = localResponseNormalization(x, { alpha: 1e-2 });
    const divided = localResponseNormalization(x, { alpha: 5e-2, divideBySize: true });
    expectClose(divided, Array.from(paper.dataSync()), 1e-6);
  });

  it('agrees on all engines for any window, also wider than the channels', async () => {
    const inputs = [normals([2, 3, 3, 16], 1), normals([1, 2, 2, 3], 2)];
    for (const [index, options] of [{ alpha: 0.2 }, { size: 9, beta: 0.5, alpha: 1 }].entries()) {
      const f = (x: tf.Tensor): tf.Tensor => tf.sum(tf.square(localResponseNormalization(x as tf.Tensor4D, options)));
      const both = (): Record<string, tf.Tensor> => ({
        y: localResponseNormalization(inputs[index]!, options),
        dx: tf.grad(f)(inputs[index]!),
      });
      await expect(compareEngines(both, ['cpu', 'wasm', 'onnx'])).resolves.toBeUndefined();
    }
  });

  it('refuses what has no meaning', () => {
    expect(() => localResponseNormalization(tf.zeros([1, 1, 1, 3]), { size: 0 })).toThrow('the size is a whole number');
    expect(() => localResponseNormalization(tf.zeros([1, 1, 1, 3]), { bias: 0 })).toThrow('bias above 0');
  });
});

describe('BatchNorm', () => {
  it.each(['batchNormTraining', 'batchNormRows'])('updates the running estimates as PyTorch: %s', (name) => {
    const { parameters, inputs, running } = fixtures[name]!;
    tf.tidy(() => {
      const layer = new BatchNorm({ features: 3 });
      layer.loadStateDict(Object.fromEntries(Object.entries(parameters).map(([path, each]) => [path, unpack(each)])));
      const x = unpack(inputs[0]!);
      layer.eval().forward(x);
      expectClose(layer.runningMean.value, parameters['runningMean']!, 1e-7);
      layer.train().forward(x);
      expectClose(layer.runningMean.value, running.mean);
      expectClose(layer.runningVariance.value, running.variance);
      layer.dispose();
    });
  });

  it.each(['cpu', 'wasm', 'onnx'] as const)('keeps its accuracy on inputs with a large mean: %s', (engine) =>
    withEngine(engine, () => {
      const [rows, channels] = [8 * 6 * 6, 16];
      const values = new Random(5).normalArray(rows * channels).map((value, index) => value + 100 * (index % channels));
      const expected = new Float32Array(values.length);
      const [means, variances] = [new Float64Array(channels), new Float64Array(channels)];
      // Two passes in double precision: first the mean, then the squares of the differences from it.
      values.forEach((value, index) => (means[index % channels]! += value / rows));
      values.forEach(
        (value, index) => (variances[index % channels]! += (value - means[index % channels]!) ** 2 / rows),
      );
      values.forEach((value, index) => {
        const channel = index % channels;
        expected[index] = (value - means[channel]!) / Math.sqrt(variances[channel]! + 1e-5);
      });
      tf.tidy(() => {
        const layer = new BatchNorm({ features: channels, momentum: 1 }).initialize(1);
        expectClose(layer.forward(tf.tensor(values, [8, 6, 6, channels])), Array.from(expected), 1e-3);
        expectClose(layer.runningMean.value, Array.from(means), 1e-6);
        const unbiased = Array.from(variances, (variance) => (variance * rows) / (rows - 1));
        expectClose(layer.runningVariance.value, unbiased, 1e-3);
        layer.dispose();
      });
    }),
  );

  it('does not train its buffers, and saves them', () => {
    const layer = new BatchNorm({ features: 2 });
    expect([...layer.trainableParameters().keys()]).toEqual(['scale', 'shift']);
    expect([...layer.namedParameters().keys()]).toEqual(['scale', 'shift', 'runningMean', 'runningVariance']);
    expect(layer.parameterCount()).toBe(4);
  });

  it('says what does not fit', () => {
    const layer = new BatchNorm({ features: 2 }).initialize(1);
    expect(() => layer.forward(tf.zeros([4, 3]))).toThrow('input of shape [4, 3] arrived for a layer of 2 features');
    expect(() => layer.forward(tf.zeros([1, 2]))).toThrow('a variance needs at least two values of each channel');
    expect(layer.eval().forward(tf.zeros([1, 2])).shape).toEqual([1, 2]);
    expect(() => new BatchNorm({ features: 2, momentum: 2 })).toThrow('BatchNorm: the momentum 2 arrived');
    layer.dispose();
  });
});

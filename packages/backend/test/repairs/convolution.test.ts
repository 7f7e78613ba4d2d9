import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import {
  between,
  expectAgreement,
  expectClose,
  gradientsOf,
  integers,
  numbers,
  prepareEngines,
  runOn,
} from './engines.ts';

beforeAll(prepareEngines);

type Pad = 'same' | 'valid' | number;

describe('convolution and pooling on wasm, with gradients', () => {
  it('conv2d agrees with cpu for random geometries', () => {
    for (let trial = 0; trial < 40; trial++) {
      const [kernelHeight, other, stride] = [between(1, 4), between(1, 4), between(1, 3)] as const;
      // A padding given as one number needs a square filter (see the guard below).
      const kernelWidth = trial % 3 === 2 ? kernelHeight : other;
      const pad: Pad = (['same', 'valid', between(0, kernelHeight - 1)] as const)[trial % 3]!;
      const [inChannels, outChannels] = [between(1, 5), between(1, 5)];
      const x = numbers([between(1, 3), between(4, 9), between(4, 9), inChannels]);
      const filter = numbers([kernelHeight, kernelWidth, inChannels, outChannels]);
      const f = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
        tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, stride, pad);
      const label = `kernel ${kernelHeight}×${kernelWidth} stride ${stride} pad ${pad}`;
      expectAgreement(() => [f(x(), filter()), ...gradientsOf(f as never, [x(), filter()])], 1e-5, label);
    }
    const x = numbers([2, 5, 6, 3]);
    const filter = numbers([3, 2, 3, 4]);
    const pad: [[number, number], [number, number], [number, number], [number, number]] = [
      [0, 0],
      [2, 1],
      [0, 3],
      [0, 0],
    ];
    const f = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
      tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, 2, pad, 'NHWC', 1, 'floor');
    expectAgreement(() => gradientsOf(f as never, [x(), filter()]));
  });

  it('transposed convolution agrees, with gradients', () => {
    for (const stride of [1, 2, 3]) {
      const x = numbers([2, 4, 4, 3]);
      const filter = numbers([3, 3, 2, 3]);
      const size = stride * 4;
      const f = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
        tf.conv2dTranspose(image as tf.Tensor4D, weights as tf.Tensor4D, [2, size, size, 2], stride, 'same');
      expectAgreement(() => [f(x(), filter()), ...gradientsOf(f as never, [x(), filter()])]);
    }
  });

  it('depthwise and separable convolution agree', () => {
    for (let trial = 0; trial < 20; trial++) {
      const channels = between(1, 4);
      const stride = trial % 2 ? between(1, 2) : 1;
      const x = numbers([2, between(5, 8), between(5, 8), channels]);
      const filter = numbers([between(1, 3), between(1, 3), channels, between(1, 3)]);
      const f = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
        tf.depthwiseConv2d(image as tf.Tensor4D, weights as tf.Tensor4D, stride, trial % 3 ? 'same' : 'valid');
      expectAgreement(() => [f(x(), filter()), ...gradientsOf(f as never, [x(), filter()])]);
    }
  });

  it('pooling agrees with any number of channels', () => {
    for (let trial = 0; trial < 30; trial++) {
      const shape = [between(1, 3), between(4, 9), between(4, 9), between(1, 5)];
      // Whole numbers make ties, which all engines must break alike.
      const x = trial % 2 ? numbers(shape) : integers(shape, -3, 3);
      const [size, stride] = [between(1, 3), between(1, 3)];
      const pad = trial % 3 ? 'same' : 'valid';
      for (const pool of [tf.maxPool, tf.avgPool]) {
        const f = (image: tf.Tensor): tf.Tensor => pool(tf.cast(image, 'float32') as tf.Tensor4D, size, stride, pad);
        expectAgreement(
          () => [f(x()), ...gradientsOf(f, [tf.cast(x(), 'float32')])],
          1e-5,
          `${pool.name} [${shape}] ${size} ${stride}`,
        );
      }
    }
  });

  it('volumes agree', () => {
    const x = numbers([2, 4, 5, 4, 3]);
    const filter = numbers([2, 3, 2, 3, 4]);
    for (const stride of [1, 2]) {
      for (const pad of ['same', 'valid'] as const) {
        const f = (volume: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
          tf.conv3d(volume as tf.Tensor5D, weights as tf.Tensor5D, stride, pad);
        expectAgreement(() => [f(x(), filter()), ...gradientsOf(f as never, [x(), filter()])]);
        for (const pool of [tf.maxPool3d, tf.avgPool3d]) {
          const g = (volume: tf.Tensor): tf.Tensor => pool(volume as tf.Tensor5D, 2, stride, pad);
          expectAgreement(() => [g(x()), ...gradientsOf(g, [x()])], 1e-5, pool.name);
        }
      }
    }
  });

  it('names what an uneven filter needs', () => {
    const lopsided = (): unknown =>
      runOn('wasm', () => tf.conv2d(tf.ones([1, 4, 4, 1]) as tf.Tensor4D, tf.ones([3, 2, 1, 1]), 1, 1));
    expect(lopsided).toThrow('padding 1 as one number with a 3×2 filter');
  });
});

describe('kernels that run on the reference engine', () => {
  it('complex numbers and Fourier transforms', () => {
    const a = numbers([3, 4]);
    expectAgreement(() => {
      const z = tf.complex(a(), tf.mul(a(), 2));
      const spectrum = tf.fft(z);
      return [tf.real(z), tf.imag(z), tf.abs(z), tf.real(spectrum), tf.imag(spectrum), tf.real(tf.ifft(spectrum))];
    });
    const [complex] = runOn('wasm', () => tf.complex(tf.tensor1d([1, 2]), tf.tensor1d([3, 4])));
    expect(complex!.values).toEqual([1, 3, 2, 4]);
  });

  it('whole-number products', () => {
    const [a, b] = [integers([3, 4], -5, 5), integers([4, 2], -5, 5)];
    expectAgreement(() => tf.matMul(a(), b()), 0);
  });

  it('leave no kernel of cpu without one on wasm', () => {
    const has = new Set(tf.getKernelsForBackend('wasm').map(({ kernelName }) => kernelName));
    expect(tf.getKernelsForBackend('cpu').filter(({ kernelName }) => !has.has(kernelName))).toEqual([]);
    const [value] = runOn('wasm', () => tf.scalar(2));
    expectClose(value!, { shape: [], dtype: 'float32', values: [2] });
  });
});

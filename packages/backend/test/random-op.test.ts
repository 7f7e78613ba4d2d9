import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-wasm';
import { counterRandom, fillCounterRandom, tf } from '@milestones/backend';

describe.each(['cpu', 'wasm'])('counterRandom on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('runs there, and leaves one tensor', () => {
    expect(tf.getBackend()).toBe(backend);
    const key = tf.tensor1d([1, 2], 'int32');
    const { numTensors, numDataBuffers } = tf.memory();
    const numbers = counterRandom(key, 0, [4], 'normal');
    expect(tf.memory()).toMatchObject({ numTensors: numTensors + 1, numDataBuffers: numDataBuffers + 1 });
    numbers.dispose();
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
    key.dispose();
  });

  it.each(['uniform', 'normal', 'bits'] as const)('holds the numbers of the host, %s', (distribution) => {
    tf.tidy(() => {
      const key = tf.tensor1d([-123456789, 42], 'int32');
      const numbers = counterRandom(key, 0xfffffffe, [3, 5], distribution);
      const expected = distribution === 'bits' ? new Int32Array(15) : new Float32Array(15);
      fillCounterRandom(expected, -123456789, 42, 0xfffffffe, distribution);
      expect(numbers.shape).toEqual([3, 5]);
      expect(numbers.dtype).toBe(distribution === 'bits' ? 'int32' : 'float32');
      expect(numbers.dataSync()).toEqual(expected);
    });
  });

  it('makes scalars and empty tensors', () => {
    tf.tidy(() => {
      const key = tf.tensor1d([1, 2], 'int32');
      expect(counterRandom(key, 0, [], 'uniform').shape).toEqual([]);
      expect(counterRandom(key, 0, [0, 4], 'uniform').dataSync()).toHaveLength(0);
    });
  });

  it('is a constant to a gradient', () => {
    tf.tidy(() => {
      const key = tf.tensor1d([1, 2], 'int32');
      const x = tf.tensor1d([1, 2, 3, 4]);
      const gradient = tf.grad((input) => tf.sum(tf.mul(input, counterRandom(key, 5, [4], 'normal'))))(x);
      expect(gradient.dataSync()).toEqual(counterRandom(key, 5, [4], 'normal').dataSync());
    });
  });

  it('refuses arguments that are out of range', () => {
    tf.tidy(() => {
      const key = tf.tensor1d([1, 2], 'int32');
      const call =
        (...args: unknown[]) =>
        () =>
          (counterRandom as (...args: unknown[]) => tf.Tensor)(...args);
      expect(call(tf.tensor1d([1, 2]), 0, [2], 'uniform')).toThrow(
        /key is a float32 tensor of shape \[2\]; pass an int32/,
      );
      expect(call(tf.zeros([3], 'int32'), 0, [2], 'uniform')).toThrow(/of shape \[3\]/);
      expect(call(key, -1, [2], 'uniform')).toThrow(/stream is -1/);
      expect(call(key, 0.5, [2], 'uniform')).toThrow(/stream is 0.5/);
      expect(call(key, 0, [-2], 'uniform')).toThrow(/shape is \[-2\]/);
      expect(call(key, 0, [2], 'gamma')).toThrow(/distribution is 'gamma'/);
    });
  });
});

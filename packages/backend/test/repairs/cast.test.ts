import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import { prepareEngines } from './engines.ts';

beforeAll(prepareEngines);

describe('cast on cpu', () => {
  it('converts, so that another engine reads the same numbers', () => {
    tf.tidy(() => {
      const whole = tf.tensor1d([1, -2, 70_000], 'int32');
      const truth = tf.tensor1d([true, false, true], 'bool');
      const cast = [tf.cast(whole, 'float32'), tf.cast(truth, 'float32'), tf.cast(truth, 'int32')];
      expect(cast.map((tensor) => tensor.dataSync().constructor)).toEqual([Float32Array, Float32Array, Int32Array]);
      void tf.setBackend('wasm');
      try {
        const read = cast.map((tensor) => Array.from(tf.mul(tensor, tf.scalar(1, tensor.dtype)).dataSync()));
        expect(read).toEqual([
          [1, -2, 70_000],
          [1, 0, 1],
          [1, 0, 1],
        ]);
      } finally {
        void tf.setBackend('cpu');
      }
    });
  });

  it('still truncates, and leaves no data behind', () => {
    const data = tf.backend().numDataIds();
    tf.tidy(() => {
      expect(Array.from(tf.cast(tf.tensor1d([1.7, -1.7]), 'int32').dataSync())).toEqual([1, -1]);
      expect(Array.from(tf.cast(tf.tensor1d([2, 0], 'int32'), 'bool').dataSync())).toEqual([1, 0]);
      tf.cast(tf.tensor1d([true, false], 'bool'), 'float32');
    });
    expect(tf.backend().numDataIds()).toBe(data);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import { between, expectAgreement, integers, nextUniform, numbers, prepareEngines } from './engines.ts';

beforeAll(prepareEngines);

function shuffled(rank: number): number[] {
  const order = Array.from({ length: rank }, (_, i) => i);
  for (let i = rank - 1; i > 0; i--) {
    const j = between(0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

describe('kernels that move data, on wasm', () => {
  it('transposes any rank', () => {
    for (let trial = 0; trial < 120; trial++) {
      const shape = Array.from({ length: between(1, 6) }, () => between(1, trial % 3 === 0 ? 2 : 6));
      const x = trial % 2 ? numbers(shape) : integers(shape, -9, 9);
      const permutation = shuffled(shape.length);
      expectAgreement(() => tf.transpose(x(), permutation), 0, `[${shape}] by ${permutation}`);
    }
    const wide = numbers([37, 50]);
    expectAgreement(() => [tf.transpose(wide()), tf.transpose(tf.greater(wide(), 0))], 0);
  });

  it('slices any box', () => {
    for (let trial = 0; trial < 80; trial++) {
      const shape = Array.from({ length: between(1, 5) }, () => between(1, 60 >> (trial % 5)));
      while (shape.reduce((a, b) => a * b, 1) > 20_000) shape.pop();
      const begin = shape.map((extent) => between(0, extent - 1));
      const size = shape.map((extent, axis) => (nextUniform() < 0.4 ? -1 : between(0, extent - begin[axis]!)));
      const x = trial % 2 ? numbers(shape) : integers(shape, -9, 9);
      expectAgreement(() => tf.slice(x(), begin, size), 0, `[${shape}] from ${begin} size ${size}`);
    }
  });

  it('splits and gathers along every axis', () => {
    for (let axis = -3; axis < 3; axis++) {
      const x = numbers([6, 4, 8]);
      const extent = [6, 4, 8].at(axis)!;
      expectAgreement(() => tf.split(x(), 2, axis), 0);
      expectAgreement(() => tf.split(x(), [1, 0, extent - 1], axis), 0);
      const ids = integers([3, 2], 0, extent - 1);
      expectAgreement(() => tf.gather(x(), ids() as tf.Tensor2D, axis), 0);
    }
    const x = numbers([3, 5, 4]);
    const ids = integers([3, 6], 0, 4);
    expectAgreement(() => tf.gather(x(), ids() as tf.Tensor2D, 1, 1), 0);
  });

  it('make one-hot tensors of any type', () => {
    const ids = integers([3, 4], -1, 5);
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      expectAgreement(() => tf.oneHot(ids() as tf.Tensor2D, 5, 1, 0, dtype), 0);
    }
    expectAgreement(() => tf.oneHot(ids() as tf.Tensor2D, 5, 0.9, 0.1, 'float32'), 0);
  });

  it('shares the data of a clone and frees it with the last reference', () => {
    void tf.setBackend('wasm');
    const before = tf.memory().numBytes;
    const original = tf.tensor1d([1, 2, 3]);
    const copy = original.clone();
    original.dispose();
    expect(Array.from(copy.dataSync())).toEqual([1, 2, 3]);
    copy.dispose();
    expect(tf.memory().numBytes).toBe(before);
    void tf.setBackend('cpu');
  });
});

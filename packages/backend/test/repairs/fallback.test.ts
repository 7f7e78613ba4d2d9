import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import { expectAgreement, integers, numbers, prepareEngines, runOn } from './engines.ts';

beforeAll(prepareEngines);

describe('cases that the WASM kernels cannot do', () => {
  it('adds, multiplies and joins complex numbers', () => {
    const parts = [numbers([2, 3]), numbers([2, 3]), numbers([1, 3]), numbers([1, 3])] as const;
    const operands = () => [tf.complex(parts[0](), parts[1]()), tf.complex(parts[2](), parts[3]())] as const;
    for (const op of [tf.add, tf.sub, tf.mul]) {
      expectAgreement(() => {
        const [a, b] = operands();
        const result = op(a, b);
        return [tf.real(result), tf.imag(result)];
      });
    }
    expectAgreement(() => tf.real(tf.concat([...operands()], 0)));
    expectAgreement(() => tf.imag(tf.onesLike(operands()[0])));
  });

  it('compares strings', () => {
    const [result] = runOn('wasm', () => tf.equal(tf.tensor1d(['a', 'b']), tf.tensor1d(['a', 'c'])));
    expect(result).toEqual({ shape: [2], dtype: 'bool', values: [1, 0] });
  });

  it('convolves with channels first, and with a scalar bias', () => {
    const [x, first, w] = [numbers([1, 4, 4, 2]), numbers([1, 2, 4, 4]), numbers([2, 2, 2, 3])];
    expectAgreement(() => tf.conv2d(first() as tf.Tensor4D, w() as tf.Tensor4D, 1, 'same', 'NCHW'));
    expectAgreement(() =>
      tf.fused.conv2d({
        x: x() as tf.Tensor4D,
        filter: w() as tf.Tensor4D,
        strides: 1,
        pad: 'same',
        bias: tf.scalar(0.5),
        activation: 'relu',
      }),
    );
  });

  it('takes lists of tensors as one named input', () => {
    const values = numbers([4]);
    expectAgreement(() => {
      const splits = tf.tensor1d([0, 1, 3, 4], 'int32');
      return tf.raggedTensorToTensor(tf.tensor1d([3, 2], 'int32'), values(), tf.scalar(0), [splits], ['ROW_SPLITS']);
    });
  });

  it('casts to bool by comparing with zero', () => {
    for (const dtype of ['float32', 'int32'] as const) {
      const [result] = runOn('wasm', () => tf.cast(tf.tensor1d([1, 3, -2, 0, 256], dtype), 'bool'));
      expect(result).toEqual({ shape: [5], dtype: 'bool', values: [1, 1, 1, 0, 1] });
    }
  });

  it('keeps NaN when it clips', () => {
    const [result] = runOn('wasm', () => tf.clipByValue(tf.tensor1d([3, -1, NaN, 1]), 0, 2));
    expect(result!.values).toEqual([2, 0, NaN, 1]);
  });

  it('counts the numbers of a matrix together', () => {
    const x = integers([3, 4], 0, 5);
    expectAgreement(() => tf.bincount(x() as tf.Tensor1D, tf.tensor1d([]), 6));
  });

  it('says what a vector in a matrix product lacks', () => {
    expect(() => runOn('wasm', () => tf.matMul(tf.ones([2, 2]), tf.ones([2])))).toThrow(/shape \[2\]; give both/);
  });
});

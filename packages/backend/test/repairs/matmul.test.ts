import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/tf.ts';
import { between, expectAgreement, expectClose, integers, numbers, prepareEngines, runOn } from './engines.ts';

beforeAll(prepareEngines);

describe('matMul on wasm', () => {
  const batches: [number[], number[]][] = [
    [[], []],
    [[3], [3]],
    [[3], [1]],
    [[1], [4]],
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3]],
    [
      [2, 3],
      [1, 1],
    ],
    [
      [2, 3],
      [2, 1],
    ],
    [
      [2, 1],
      [1, 3],
    ],
    [[4], []],
  ];
  for (const [left, right] of batches) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        it(`[${left}] × [${right}], transposes ${transposeA} ${transposeB}`, () => {
          for (const limit of [3, 20, 60]) {
            const [m, k, n] = [between(1, limit), between(1, limit), between(1, limit)];
            const a = numbers([...left, ...(transposeA ? [k, m] : [m, k])]);
            const b = numbers([...right, ...(transposeB ? [n, k] : [k, n])]);
            expectAgreement(() => tf.matMul(a(), b(), transposeA, transposeB));
          }
        });
      }
    }
  }

  it('pairs batches by position when both operands broadcast', () => {
    const a = numbers([2, 1, 3, 4]);
    const b = numbers([1, 3, 4, 5]);
    const [got] = runOn('wasm', () => tf.matMul(a(), b()));
    const [wanted] = runOn('cpu', () => tf.matMul(tf.tile(a(), [1, 3, 1, 1]), tf.tile(b(), [2, 1, 1, 1])));
    expectClose(got!, wanted!);
  });

  it('gives the fresh product after the right operand was reused and replaced', () => {
    const [a, b1, b2] = [numbers([5, 30]), numbers([30, 70]), numbers([30, 70])];
    expectAgreement(() => {
      const left = a();
      const first = b1();
      const products = [tf.matMul(left, first), tf.matMul(left, first)];
      first.dispose();
      return [...products, tf.matMul(left, b2())];
    });
  });

  it('handles empty operands', () => {
    expectAgreement(() => [
      tf.matMul(tf.zeros([0, 3]), tf.ones([3, 2])),
      tf.matMul(tf.zeros([2, 3, 4]), tf.ones([2, 4, 1])),
    ]);
  });

  it('adds the bias of a fused product once, whatever the inner extent', () => {
    const [a, b, bias] = [numbers([2, 7, 100]), numbers([2, 100, 9]), numbers([9])];
    for (const activation of ['linear', 'relu', 'relu6', 'sigmoid', 'elu', 'leakyrelu'] as const) {
      expectAgreement(
        () => tf.fused.matMul({ a: a(), b: b(), bias: bias(), activation, leakyreluAlpha: 0.1 }),
        1e-5,
        activation,
      );
    }
  });
});

describe('the gradient of an embedding on wasm', () => {
  it('sums rows by segment and drops rows out of range', () => {
    const rows = numbers([6, 2, 5]);
    const segments = integers([6, 2], -1, 4);
    expectAgreement(() => tf.unsortedSegmentSum(rows().reshape([12, 5]), segments().flatten() as tf.Tensor1D, 4));
    const table = numbers([7, 3]);
    const ids = integers([4, 5], 0, 6);
    expectAgreement(() => tf.grad((weights: tf.Tensor) => tf.gather(weights, ids() as tf.Tensor2D).square())(table()));
  });

  it('names an index that is out of range', () => {
    void tf.setBackend('wasm');
    expect(() => tf.tidy(() => tf.gather(tf.ones([3, 2]), tf.tensor1d([0, 3], 'int32')))).toThrow(
      'GatherV2: the index value 3 is not in [0, 2]',
    );
    void tf.setBackend('cpu');
  });
});

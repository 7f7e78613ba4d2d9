import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { Comparison, expectSameAsCpu, Generator } from './against-cpu.ts';

const close = { absolute: 3e-5, relative: 1e-5 };

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

/** Explicit padding of an image, the same on all four sides. */
const around = (amount: number): number[][] => [
  [0, 0],
  [amount, amount],
  [amount, amount],
  [0, 0],
];

describe('windows at the edges of images', () => {
  it('reach beyond the padding where their number is rounded up', async () => {
    const random = new Generator(61);
    const comparison = new Comparison();
    for (const dimRoundingMode of ['floor', 'round', 'ceil']) {
      for (const side of [3, 4, 5, 6]) {
        const pooling = { filterSize: [3, 3], strides: [2, 2], pad: around(1), dimRoundingMode };
        const x = random.operand([2, side, side, 3]);
        comparison.add('MaxPool', { x }, pooling, close);
        comparison.add('AvgPool', { x }, pooling, close);
        const convolution = { strides: [2, 2], pad: around(1), dilations: [1, 1], dataFormat: 'NHWC', dimRoundingMode };
        comparison.add('Conv2D', { x, filter: random.operand([3, 3, 3, 4]) }, convolution, close);
      }
    }
    await expectSameAsCpu(comparison);
  });

  it('are left out where a transposed convolution names a smaller image', async () => {
    const random = new Generator(62);
    const comparison = new Comparison();
    const operands = { dy: random.operand([1, 8, 8, 5]), filter: random.operand([3, 3, 2, 5]) };
    const attributes = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', inputShape: [1, 4, 4, 2] };
    comparison.add('Conv2DBackpropInput', operands, attributes, close);
    await expectSameAsCpu(comparison);
  });

  it('have a bias and slopes also with the channels first', async () => {
    const random = new Generator(63);
    const comparison = new Comparison();
    const attributes = { strides: [1, 1], pad: 'valid', dilations: [1, 1], dataFormat: 'NCHW', activation: 'prelu' };
    for (const slopes of [
      [4, 1, 1],
      [4, 3, 2],
    ]) {
      const operands = {
        x: random.operand([2, 3, 4, 3]),
        filter: random.operand([2, 2, 3, 4]),
        bias: random.operand([4]),
        preluActivationWeights: random.operand(slopes),
      };
      comparison.add('FusedConv2D', operands, attributes, close);
    }
    await expectSameAsCpu(comparison);
  });
});

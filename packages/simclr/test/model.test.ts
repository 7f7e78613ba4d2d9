import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelConfig, SimCLR, sizes } from '../src/index.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const encoderCount = (model: SimCLR): number => model.encoder.parameterCount();

describe('the networks', () => {
  it.each([
    ['cifar-18', 11_168_832, 11_497_152],
    ['cifar-50', 23_500_352, 24_615_616],
    ['small', 388_896, 421_920],
  ] as const)('%s has the published number of weights', (size, encoder, whole) => {
    const model = new SimCLR(size);
    expect([encoderCount(model), model.parameterCount()]).toEqual([encoder, whole]);
  });

  it('ResNet-50 with a classifier of ten classes has 23,520,842', () => {
    expect(encoderCount(new SimCLR('cifar-50')) + 2048 * 10 + 10).toBe(23_520_842);
  });

  it('have no classifier among their parameters', () => {
    const names = [...new SimCLR('cifar-18').namedParameters().keys()];
    expect(names).toContain('encoder.blocks.7.layers.1.convolution.weight');
    expect(names.filter((name) => name.startsWith('head.'))).toEqual([
      'head.hidden.weight',
      'head.hidden.bias',
      'head.output.weight',
      'head.output.bias',
    ]);
  });

  it('make h and z of the right shape, with each head', () => {
    const images = tf.zeros([2, 8, 8, 3]) as tf.Tensor4D;
    for (const [head, expected] of [
      ['mlp', 4],
      ['linear', 4],
      ['none', 6],
    ] as const) {
      const model = new SimCLR({ encoder: 'small', widths: [5, 6], strides: [1, 2], head, output: 4 }).initialize(1);
      tf.tidy(() => {
        expect(model.represent(images).shape).toEqual([2, 6]);
        expect(model.forward(images).shape).toEqual([2, expected]);
      });
      model.dispose();
    }
    images.dispose();
  });

  it('ResNet encoders halve the image three times and see both modes of batch norm', () => {
    const model = new SimCLR({ encoder: 'resnet18', head: 'none' });
    expect(model.encoder.features).toBe(512);
    model.eval();
    expect(model.encoder.training).toBe(false);
  });

  it('refuse what does not fit', () => {
    expect(() => new SimCLR('large' as never)).toThrow(`there are: ${Object.keys(sizes).join(', ')}`);
    expect(() => modelConfig({ encoder: 'small', widths: [8], strides: [1, 2] })).toThrow(
      '1 widths and 2 strides arrived',
    );
    expect(() => modelConfig({ output: 0 })).toThrow('output');
    const model = new SimCLR({ encoder: 'small', widths: [2], strides: [1] }).initialize(1);
    expect(() => tf.tidy(() => model.forward(tf.zeros([2, 8, 8, 1])))).toThrow(
      'images of 1 channels arrived for a network of 3',
    );
    model.dispose();
  });
});

import { readFileSync } from 'node:fs';
import { useBackend, type tf } from '@milestones/backend';
import { beforeAll, describe, it } from 'vitest';
import {
  averagePool2d,
  BatchNorm,
  Convolution2D,
  globalAveragePool2d,
  localResponseNormalization,
  maxPool2d,
  Module,
  TransposedConvolution2D,
} from '../../src/index.ts';
import { checkLayer, type LayerFixture } from '../../src/testing.ts';

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/vision.json', import.meta.url), 'utf8')) as Record<
  string,
  LayerFixture
>;
const engines = ['cpu', 'wasm', 'onnx'] as const;

/** A function as a layer without parameters. */
class Stateless extends Module {}

const images = (x: tf.Tensor): tf.Tensor4D => x as tf.Tensor4D;

beforeAll(async () => {
  await useBackend('cpu');
});

describe('layers for images against PyTorch, finite differences, and each other on all engines', () => {
  const convolutions = {
    convolution: { inputChannels: 3, outputChannels: 2, size: 3, padding: 1 },
    convolutionStrided: { inputChannels: 2, outputChannels: 3, size: [3, 2], stride: [2, 3], padding: [2, 1] },
    convolutionDilated: {
      inputChannels: 2,
      outputChannels: 3,
      size: [3, 2],
      padding: [2, 1],
      dilation: [2, 3],
      bias: false,
    },
    convolutionGrouped: { inputChannels: 4, outputChannels: 6, size: 3, stride: 2, padding: 1, groups: 2 },
    convolutionGroupedDilated: { inputChannels: 4, outputChannels: 2, size: 2, padding: 1, dilation: 2, groups: 2 },
    convolutionDepthwise: {
      inputChannels: 3,
      outputChannels: 6,
      size: [3, 2],
      stride: 2,
      padding: [1, 0],
      groups: 3,
    },
  } as const;
  it.each(Object.keys(convolutions) as (keyof typeof convolutions)[])('%s', (name) =>
    checkLayer({
      make: () => new Convolution2D(convolutions[name]),
      forward: (layer, x) => layer.forward(images(x)),
      fixture: fixtures[name]!,
      engines,
    }),
  );

  const transposed = {
    transposed: { inputChannels: 3, outputChannels: 2, size: [3, 2] },
    transposedStrided: { inputChannels: 2, outputChannels: 3, size: 4, stride: 2, padding: 1 },
    transposedOutputPadding: {
      inputChannels: 2,
      outputChannels: 2,
      size: 3,
      stride: [2, 3],
      padding: [1, 0],
      outputPadding: [1, 2],
      bias: false,
    },
  } as const;
  it.each(Object.keys(transposed) as (keyof typeof transposed)[])('%s', (name) =>
    checkLayer({
      make: () => new TransposedConvolution2D(transposed[name]),
      forward: (layer, x) => layer.forward(images(x)),
      fixture: fixtures[name]!,
      engines,
    }),
  );

  const functions: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
    maxPool: (x) => maxPool2d(x, { size: 3, stride: 2 }),
    maxPoolPadded: (x) => maxPool2d(x, { size: [3, 2], stride: [1, 2], padding: 1 }),
    maxPoolCeil: (x) => maxPool2d(x, { size: 3, stride: 2, ceil: true }),
    maxPoolCeilPadded: (x) => maxPool2d(x, { size: 2, padding: 1, ceil: true }),
    averagePool: (x) => averagePool2d(x, { size: 2 }),
    averagePoolPadded: (x) => averagePool2d(x, { size: 3, stride: 2, padding: 1 }),
    averagePoolCeil: (x) => averagePool2d(x, { size: 3, stride: 2, ceil: true }),
    averagePoolCeilPadded: (x) => averagePool2d(x, { size: [3, 4], stride: [2, 3], padding: 1, ceil: true }),
    averagePoolCeilPaddedUncounted: (x) =>
      averagePool2d(x, { size: [3, 4], stride: [2, 3], padding: 1, ceil: true, countPadding: false }),
    globalAveragePool: globalAveragePool2d,
    responseNormalization: (x) => localResponseNormalization(x, { size: 5, alpha: 0.5, divideBySize: true }),
    responseNormalizationEven: (x) =>
      localResponseNormalization(x, { size: 4, alpha: 0.3, beta: 0.6, bias: 1, divideBySize: true }),
  };
  it.each(Object.keys(functions))('%s', (name) =>
    checkLayer({
      make: () => new Stateless(),
      forward: (_, x) => functions[name]!(images(x)),
      fixture: fixtures[name]!,
      engines,
    }),
  );

  it('batchNormTraining', () =>
    checkLayer({
      make: () => new BatchNorm({ features: 3 }),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['batchNormTraining']!,
      mode: 'train',
      dependsOnMode: true,
      engines,
    }));

  it('batchNormRows', () =>
    checkLayer({
      make: () => new BatchNorm({ features: 3 }),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['batchNormRows']!,
      mode: 'train',
      dependsOnMode: true,
      engines,
    }));

  it('batchNormEvaluation', () =>
    checkLayer({
      make: () => new BatchNorm({ features: 3, epsilon: 1e-3 }),
      forward: (layer, x) => layer.forward(x),
      fixture: fixtures['batchNormEvaluation']!,
      dependsOnMode: true,
      engines,
    }));
});

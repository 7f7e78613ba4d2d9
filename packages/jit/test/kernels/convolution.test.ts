/** Convolutions, pooling and their gradients against tfjs's cpu engine, on every target that works on this machine. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { Comparison, expectSameAsCpu, Generator, operand, type Operand } from './against-cpu.ts';
import { allTargets } from './targets.ts';

const close = { absolute: 3e-5, relative: 1e-5 };

beforeAll(async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

/** Values with many ties, as after a ReLU. */
function withTies(generator: Generator, shape: readonly number[]): Operand {
  const numbers = Array.from(generator.operand(shape).data, (number) => Math.max(0, Math.round(number)));
  return operand(numbers, shape);
}

/** Image, window, strides and pads that go together. */
function geometry(generator: Generator, block: number) {
  const unit = Math.max(1, block);
  const channels = (): number =>
    block === 0 || generator.uniform() < 0.25 ? generator.integer(1, 5) : unit * generator.integer(1, 3);
  const size = [generator.integer(1, 5), generator.integer(1, 4)] as const;
  const height = generator.integer(size[0], 9);
  const width = generator.integer(size[1], 9);
  const explicit = [
    [0, 0],
    [generator.integer(0, size[0] - 1), generator.integer(0, size[0] - 1)],
    [generator.integer(0, size[1] - 1), generator.integer(0, size[1] - 1)],
    [0, 0],
  ];
  const pad = generator.choose(['same', 'valid', explicit] as const);
  const strides = [generator.integer(1, 3), generator.integer(1, 3)];
  const image = [generator.integer(1, 3), height, width, channels()];
  return { image, size, pad, strides, outer: channels() };
}

const targets = await allTargets();

describe.each(targets)('on $name with blocks of $block', (target) => {
  it('convolutions and their gradients', async () => {
    const comparison = new Comparison();
    const generator = new Generator(7);
    for (let count = 0; count < 14; count++) {
      const { image, size, pad, strides, outer } = geometry(generator, target.block);
      const isDilated = generator.uniform() < 0.2;
      const dilations = isDilated ? [generator.integer(1, 2), generator.integer(1, 2)] : [1, 1];
      const attributes = {
        strides: isDilated ? [1, 1] : strides,
        pad: isDilated && pad === 'valid' ? 'same' : pad,
        dilations,
        dataFormat: 'NHWC',
        dimRoundingMode: Array.isArray(pad) ? 'floor' : undefined,
      };
      const filter = [...size, image[3]!, outer];
      const x = generator.operand(image);
      const w = generator.operand(filter, 'float32', 0.5);
      const { outShape } = tf.backend_util.computeConv2DInfo(
        image as [number, number, number, number],
        filter as [number, number, number, number],
        attributes.strides as [number, number],
        dilations as [number, number],
        attributes.pad as 'same',
        attributes.dimRoundingMode as 'floor',
      );
      if (outShape.some((length) => length < 1)) continue;
      const dy = generator.operand(outShape);
      comparison.add('Conv2D', { x, filter: w }, attributes, close);
      // cpu's gradients know no dilation.
      if (dilations[0] === 1 && dilations[1] === 1) {
        comparison.add('Conv2DBackpropInput', { dy, filter: w }, { ...attributes, inputShape: image }, close);
        comparison.add('Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape: filter }, close);
      }
      const bias = generator.operand([outer]);
      const activation = generator.choose(['linear', 'relu', 'relu6', 'sigmoid', 'elu', 'leakyrelu']);
      comparison.add('FusedConv2D', { x, filter: w, bias }, { ...attributes, activation, leakyreluAlpha: 0.1 }, close);
    }
    await expectSameAsCpu(comparison, target);
  });

  it('the filter gradient of many channels, where the products of all images would not fit', async () => {
    const comparison = new Comparison();
    const generator = new Generator(5);
    const image = [144, 1, 2, 176];
    const attributes = { strides: 1, pad: 'valid', dilations: 1, dataFormat: 'NHWC', filterShape: [1, 2, 176, 176] };
    const operands = { x: generator.operand(image), dy: generator.operand([144, 1, 1, 176]) };
    comparison.add('Conv2DBackpropFilter', operands, attributes, close);
    await expectSameAsCpu(comparison, target);
  });

  it('depthwise convolutions and their gradients', async () => {
    const comparison = new Comparison();
    const generator = new Generator(8);
    for (let count = 0; count < 10; count++) {
      const { image, size, pad, strides } = geometry(generator, target.block);
      const stride = strides[0]!;
      const attributes = {
        strides: [stride, stride],
        pad,
        dilations: [1, 1],
        dimRoundingMode: Array.isArray(pad) ? 'floor' : undefined,
      };
      const filter = [...size, image[3]!, generator.choose([1, 1, 2])];
      const x = generator.operand(image);
      const w = generator.operand(filter, 'float32', 0.5);
      const { outShape } = tf.backend_util.computeConv2DInfo(
        image as [number, number, number, number],
        filter as [number, number, number, number],
        stride,
        1,
        pad as 'same',
        attributes.dimRoundingMode as 'floor',
        true,
      );
      if (outShape.some((length) => length < 1)) continue;
      const dy = generator.operand(outShape);
      comparison.add('DepthwiseConv2dNative', { x, filter: w }, attributes, close);
      comparison.add(
        'DepthwiseConv2dNativeBackpropInput',
        { dy, filter: w },
        { ...attributes, inputShape: image },
        close,
      );
      comparison.add('DepthwiseConv2dNativeBackpropFilter', { x, dy }, { ...attributes, filterShape: filter }, close);
    }
    await expectSameAsCpu(comparison, target);
  });

  it('pooling and its gradients, with ties', async () => {
    const comparison = new Comparison();
    const generator = new Generator(9);
    for (let count = 0; count < 16; count++) {
      const { image, size, pad, strides } = geometry(generator, target.block);
      const attributes = { filterSize: size, strides, pad, dimRoundingMode: Array.isArray(pad) ? 'floor' : undefined };
      const input = withTies(generator, image);
      const { outShape } = tf.backend_util.computePool2DInfo(
        image as [number, number, number, number],
        size as unknown as [number, number],
        strides as [number, number],
        1,
        pad as 'same',
        attributes.dimRoundingMode as 'floor',
      );
      if (outShape.some((length) => length < 1)) continue;
      const dy = generator.operand(outShape);
      const output = generator.operand(outShape);
      comparison.add('MaxPool', { x: input }, attributes, close);
      comparison.add('MaxPoolGrad', { dy, input, output }, attributes, close);
      comparison.add('AvgPool', { x: input }, attributes, close);
      comparison.add('AvgPoolGrad', { dy, input }, attributes, close);
    }
    await expectSameAsCpu(comparison, target);
  });
});

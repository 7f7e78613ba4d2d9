/** Geometry of convolutions and pooling, as tfjs computes it. */
import { backend_util } from '@tensorflow/tfjs';
import type { KernelAttributes } from '../kernels/kernel.ts';
import type { ImageShape } from './layout.ts';

/** A window that slides over the two middle axes of [N, H, W, C]; pairs are [along H, along W]. */
export interface Window {
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Rows above and columns to the left that the image is thought to have beyond its edge. */
  readonly before: readonly [number, number];
  /** Rows below and columns to the right. */
  readonly after: readonly [number, number];
}

/** A window over images of one shape, and what comes out. */
export interface Sliding {
  readonly window: Window;
  readonly input: ImageShape;
  readonly output: ImageShape;
}

/** tfjs's attributes of a convolution; shapes are [N, H, W, C], or [N, C, H, W] where `dataFormat` says so. */
export function convolutionSliding(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: KernelAttributes,
  depthwise = false,
): Sliding {
  const format = backend_util.convertConv2DDataFormat(attributes['dataFormat'] ?? 'NHWC');
  const information = backend_util.computeConv2DInfo(
    [...inputShape] as [number, number, number, number],
    [...filterShape] as [number, number, number, number],
    attributes['strides'],
    attributes['dilations'] ?? 1,
    attributes['pad'],
    attributes['dimRoundingMode'],
    depthwise,
    format,
  );
  return slidingOf(information);
}

/** tfjs's attributes of pooling. */
export function poolingSliding(inputShape: readonly number[], attributes: KernelAttributes): Sliding {
  const information = backend_util.computePool2DInfo(
    [...inputShape] as [number, number, number, number],
    attributes['filterSize'],
    attributes['strides'],
    1,
    attributes['pad'],
    attributes['dimRoundingMode'],
  );
  const sliding = slidingOf(information);
  const { size, before, after } = sliding.window;
  if ([0, 1].some((axis) => Math.max(before[axis]!, after[axis]!) >= size[axis]!)) {
    throw new Error(
      `pooling: windows of ${size.join(' × ')} see only padding of ${[...before, ...after].join(', ')}; ` +
        'pad by less than the window.',
    );
  }
  return sliding;
}

function slidingOf(information: ReturnType<typeof backend_util.computeConv2DInfo>): Sliding {
  const { padInfo } = information;
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = information;
  const { strideHeight, strideWidth, effectiveFilterHeight, effectiveFilterWidth } = information;
  // Where tfjs rounds the number of windows up, the last one reaches further than the padding that was asked for.
  const lowest = (outHeight - 1) * strideHeight + effectiveFilterHeight - padInfo.top - inHeight;
  const rightmost = (outWidth - 1) * strideWidth + effectiveFilterWidth - padInfo.left - inWidth;
  return {
    window: {
      size: [information.filterHeight, information.filterWidth],
      strides: [strideHeight, strideWidth],
      dilations: [information.dilationHeight, information.dilationWidth],
      before: [padInfo.top, padInfo.left],
      after: [Math.max(padInfo.bottom, lowest), Math.max(padInfo.right, rightmost)],
    },
    input: [batchSize, inHeight, inWidth, inChannels],
    output: [batchSize, outHeight, outWidth, outChannels],
  };
}

/** ONNX's attributes of a window. */
export function windowAttributes({ size, strides, dilations, before, after }: Window) {
  return {
    kernel_shape: [...size],
    strides: [...strides],
    dilations: [...dilations],
    pads: [...before, ...after],
  };
}

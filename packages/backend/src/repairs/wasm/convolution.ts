/**
 * Gradients of two-dimensional convolution on WASM.
 *
 * tfjs 4.22 has no filter gradient there, and its data gradient is a scalar loop that takes some ten times the forward
 * pass. Both are convolutions themselves, so both run on the fast forward kernel:
 *
 *   filter gradient: with batch and channels exchanged, x [C, H, W, N] convolved by dy [OH, OW, N, K], where the stride of
 *   the forward pass becomes the dilation;
 *   data gradient: dy, with stride − 1 zeros between its pixels, convolved by the filter turned by 180° with its channel
 *   axes exchanged.
 */
import { tf } from '../../tf.ts';
import { allocate, floats, release, replaceKernel, reshaped, runKernel } from './heap.ts';
import type { TensorInfo, WasmBackend, WasmKernel } from './heap.ts';
import { slice } from './layout.ts';
import { matMul } from './matmul.ts';
import { transpose } from './transpose.ts';

interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4];
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Geometry = ReturnType<typeof tf.backend_util.computeConv2DInfo>;

function geometry(xShape: number[], filterShape: number[], given: ConvolutionAttributes, depthwise = false): Geometry {
  return tf.backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    given.strides,
    1,
    given.pad,
    given.dimRoundingMode,
    depthwise,
    tf.backend_util.convertConv2DDataFormat(given.dataFormat ?? 'NHWC'),
  );
}

function convolve(
  backend: WasmBackend,
  x: TensorInfo,
  filter: TensorInfo,
  pad: number[][],
  dilations: [number, number] = [1, 1],
): TensorInfo {
  const attributes = { strides: [1, 1], pad, dataFormat: 'NHWC', dilations };
  return runKernel(backend, 'Conv2D', { x, filter }, attributes);
}

/** dW[i, j, c, k] = Σ over n, y, x of input[n, y·s + i − p, x·s + j − p, c] · dy[n, y, x, k]. */
function filterGradient(backend: WasmBackend, x: TensorInfo, dy: TensorInfo, shape: Geometry): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = shape;
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = shape;
  if (filterHeight * filterWidth * strideHeight * strideWidth === 1 && outHeight === inHeight && outWidth === inWidth) {
    // A 1×1 filter is a dense layer over pixels: xᵀ dy.
    const pixels = batchSize * inHeight * inWidth;
    const left = reshaped(backend, x, [pixels, inChannels]);
    const right = reshaped(backend, dy, [pixels, outChannels]);
    const product = matMul(backend, left, right, true, false);
    release(backend, left, right);
    return { ...product, shape: [1, 1, inChannels, outChannels] };
  }
  // The convolution must give exactly filterHeight × filterWidth values: pad or crop at the far edges to that end.
  const bottom = (outHeight - 1) * strideHeight + filterHeight - inHeight - padInfo.top;
  const right = (outWidth - 1) * strideWidth + filterWidth - inWidth - padInfo.left;
  const [height, width] = [inHeight + Math.min(0, bottom), inWidth + Math.min(0, right)];
  const cropped = slice(backend, x, [0, 0, 0, 0], [batchSize, height, width, inChannels]);
  const planes = transpose(backend, cropped, [3, 1, 2, 0]);
  const weights = transpose(backend, dy, [1, 2, 0, 3]);
  const pad = [
    [0, 0],
    [padInfo.top, Math.max(0, bottom)],
    [padInfo.left, Math.max(0, right)],
    [0, 0],
  ];
  const product = convolve(backend, planes, weights, pad, [strideHeight, strideWidth]);
  const result = transpose(backend, product, [1, 2, 0, 3]);
  release(backend, cropped, planes, weights, product);
  return result;
}

/** dy with zeros between and around its pixels, so that a plain convolution without padding gives the data gradient. */
function spread(backend: WasmBackend, dy: TensorInfo, shape: Geometry): TensorInfo {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, outChannels, strideHeight, strideWidth } = shape;
  const height = inHeight + shape.filterHeight - 1;
  const width = inWidth + shape.filterWidth - 1;
  const top = shape.filterHeight - 1 - shape.padInfo.top;
  const left = shape.filterWidth - 1 - shape.padInfo.left;
  const result = allocate(backend, [batchSize, height, width, outChannels]);
  const source = floats(backend, dy);
  const target = floats(backend, result).fill(0);
  // tfjs lets a transposed convolution name a smaller result than its input makes, and leaves out what lies beyond.
  const [, rows, columns] = dy.shape as [number, number, number, number];
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < outHeight; y++) {
      const toY = top + y * strideHeight;
      if (toY < 0 || toY >= height) continue;
      for (let x = 0; x < outWidth; x++) {
        const toX = left + x * strideWidth;
        if (toX < 0 || toX >= width) continue;
        const from = ((n * rows + y) * columns + x) * outChannels;
        const to = ((n * height + toY) * width + toX) * outChannels;
        for (let k = 0; k < outChannels; k++) target[to + k] = source[from + k]!;
      }
    }
  }
  return result;
}

/** dx[n, h, w, c] = Σ over i, j, k of dy[n, (h + p − i) / s, (w + p − j) / s, k] · filter[i, j, c, k]. */
function dataGradient(backend: WasmBackend, dy: TensorInfo, filter: TensorInfo, shape: Geometry): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels, outChannels, filterHeight, filterWidth } = shape;
  const { strideHeight, strideWidth } = shape;
  const isWhole = dy.shape[1] === inHeight && dy.shape[2] === inWidth;
  if (filterHeight * filterWidth * strideHeight * strideWidth === 1 && isWhole) {
    const left = reshaped(backend, dy, [batchSize * inHeight * inWidth, outChannels]);
    const right = reshaped(backend, filter, [inChannels, outChannels]);
    const product = matMul(backend, left, right, false, true);
    release(backend, left, right);
    return { ...product, shape: [batchSize, inHeight, inWidth, inChannels] };
  }
  const turned = runKernel(backend, 'Reverse', { x: filter }, { dims: [0, 1] });
  const exchanged = transpose(backend, turned, [0, 1, 3, 2]);
  const padded = spread(backend, dy, shape);
  const none = [0, 1, 2, 3].map(() => [0, 0]);
  const result = convolve(backend, padded, exchanged, none);
  release(backend, turned, exchanged, padded);
  return result;
}

function requireChannelsLast(kernel: string, given: ConvolutionAttributes): void {
  if (given.dataFormat === 'NCHW') {
    throw new Error(`${kernel}: data format NCHW is not available on wasm; transpose to NHWC first.`);
  }
}

/**
 * Keeps two kinds of padding away from the forward kernels.
 *
 * One number with a filter that is not square: tfjs derives both output extents from the filter's height, the fast library
 * computes the right width, writes past the end of the output, and corrupts the heap.
 * 'same' with a stride larger than the filter: the library refuses, and the output stays whatever the memory held. The same
 * padding written out is accepted.
 */
function guardPadding(name: string, depthwise: boolean): void {
  const stock: WasmKernel<ConvolutionAttributes> | undefined = replaceKernel<ConvolutionAttributes>(
    name,
    (inputs, given, backend) => {
      const { pad, strides } = given;
      const { x, filter } = inputs as { x: TensorInfo; filter: TensorInfo };
      const [height, width] = filter.shape as [number, number];
      if (typeof pad === 'number' && pad > 0 && height !== width) {
        throw new Error(
          `${name}: padding ${pad} as one number with a ${height}×${width} filter makes tfjs compute a wrong width; ` +
            `write it as [[0, 0], [${pad}, ${pad}], [${pad}, ${pad}], [0, 0]].`,
        );
      }
      const [strideHeight, strideWidth] = typeof strides === 'number' ? [strides, strides] : strides;
      if (pad !== 'same' || (strideHeight <= height && strideWidth <= width)) return stock!(inputs, given, backend);
      const { top, bottom, left, right } = geometry(x.shape, filter.shape, given, depthwise).padInfo;
      const explicit: ConvolutionAttributes['pad'] = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ];
      return stock!(inputs, { ...given, pad: explicit }, backend);
    },
  );
}

/** Registers the kernels. */
export function installConvolution(): void {
  for (const name of ['Conv2D', 'FusedConv2D']) guardPadding(name, false);
  for (const name of ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) guardPadding(name, true);
  replaceKernel<ConvolutionAttributes & { filterShape: number[] }>(
    'Conv2DBackpropFilter',
    ({ x, dy }, given, backend) => {
      requireChannelsLast('Conv2DBackpropFilter', given);
      return filterGradient(backend, x!, dy!, geometry(x!.shape, given.filterShape, given));
    },
  );
  replaceKernel<ConvolutionAttributes & { inputShape: number[] }>(
    'Conv2DBackpropInput',
    ({ dy, filter }, given, backend) => {
      requireChannelsLast('Conv2DBackpropInput', given);
      return dataGradient(backend, dy!, filter!, geometry(given.inputShape, filter!.shape, given));
    },
  );
}

/**
 * Gradients of max pooling and of depthwise convolution on WASM.
 *
 * In tfjs 4.22 the MaxPoolGrad kernel is wrong with more than one channel (most gradients are lost), and depthwise
 * convolution has no gradient kernels. Plain loops over the windows, channels innermost, as they lie in memory.
 */
import { tf } from '../../tf.ts';
import { allocate, floats, replaceKernel } from './heap.ts';
import type { TensorInfo, WasmBackend } from './heap.ts';

type Four = [number, number, number, number];

interface PoolAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: Parameters<typeof tf.backend_util.computePool2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Sends each dy to the first maximum of its window, as the cpu engine does. */
function maxPoolGradient(
  backend: WasmBackend,
  dy: TensorInfo,
  input: TensorInfo,
  { filterSize, strides, pad, dimRoundingMode }: PoolAttributes,
): TensorInfo {
  const shape = tf.backend_util.computePool2DInfo(input.shape as Four, filterSize, strides, 1, pad, dimRoundingMode);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth } = shape;
  const result = allocate(backend, input.shape);
  const gradient = floats(backend, result).fill(0);
  const upstream = floats(backend, dy);
  const values = floats(backend, input);
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < outHeight; y++) {
      const y0 = y * shape.strideHeight - shape.padInfo.top;
      for (let x = 0; x < outWidth; x++) {
        const x0 = x * shape.strideWidth - shape.padInfo.left;
        const from = ((n * outHeight + y) * outWidth + x) * inChannels;
        for (let c = 0; c < inChannels; c++) {
          let best = -Infinity;
          let bestAt = -1;
          for (let i = Math.max(0, y0); i < Math.min(inHeight, y0 + filterHeight); i++) {
            for (let j = Math.max(0, x0); j < Math.min(inWidth, x0 + filterWidth); j++) {
              const at = ((n * inHeight + i) * inWidth + j) * inChannels + c;
              if (values[at]! > best || bestAt < 0) {
                best = values[at]!;
                bestAt = at;
              }
            }
          }
          if (bestAt >= 0) gradient[bestAt]! += upstream[from + c]!;
        }
      }
    }
  }
  return result;
}

interface DepthwiseAttributes {
  strides: number | [number, number];
  dilations: number | [number, number];
  pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Visits every pair (output pixel, filter tap) that meets an input pixel, with the offsets of the three channel rows:
 * of the output, of the input and of the filter.
 */
function visitTaps(
  xShape: number[],
  filterShape: number[],
  { strides, dilations, pad, dimRoundingMode }: DepthwiseAttributes,
  visit: (output: number, input: number, tap: number) => void,
): void {
  const shape = tf.backend_util.computeConv2DInfo(
    xShape as Four,
    filterShape as Four,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } =
    shape;
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++) {
        const output = ((n * outHeight + y) * outWidth + x) * outChannels;
        for (let i = 0; i < filterHeight; i++) {
          const row = y * shape.strideHeight - shape.padInfo.top + i * shape.dilationHeight;
          if (row < 0 || row >= inHeight) continue;
          for (let j = 0; j < filterWidth; j++) {
            const column = x * shape.strideWidth - shape.padInfo.left + j * shape.dilationWidth;
            if (column < 0 || column >= inWidth) continue;
            visit(output, ((n * inHeight + row) * inWidth + column) * inChannels, (i * filterWidth + j) * outChannels);
          }
        }
      }
    }
  }
}

/** dx[c] += Σ_m dy[c, m] · filter[c, m], for each tap; m counts the outputs of one channel. */
function depthwiseDataGradient(
  backend: WasmBackend,
  dy: TensorInfo,
  filter: TensorInfo,
  given: DepthwiseAttributes & { inputShape: number[] },
): TensorInfo {
  const [channels, multiplier] = filter.shape.slice(2) as [number, number];
  const result = allocate(backend, given.inputShape);
  const gradient = floats(backend, result).fill(0);
  const upstream = floats(backend, dy);
  const weights = floats(backend, filter);
  visitTaps(given.inputShape, filter.shape, given, (output, input, tap) => {
    for (let c = 0, k = 0; c < channels; c++) {
      for (let m = 0; m < multiplier; m++, k++) gradient[input + c]! += upstream[output + k]! * weights[tap + k]!;
    }
  });
  return result;
}

/** dfilter[c, m] += x[c] · dy[c, m], for each tap. */
function depthwiseFilterGradient(
  backend: WasmBackend,
  x: TensorInfo,
  dy: TensorInfo,
  given: DepthwiseAttributes & { filterShape: number[] },
): TensorInfo {
  const [channels, multiplier] = given.filterShape.slice(2) as [number, number];
  const result = allocate(backend, given.filterShape);
  const gradient = floats(backend, result).fill(0);
  const upstream = floats(backend, dy);
  const values = floats(backend, x);
  visitTaps(x.shape, given.filterShape, given, (output, input, tap) => {
    for (let c = 0, k = 0; c < channels; c++) {
      for (let m = 0; m < multiplier; m++, k++) gradient[tap + k]! += upstream[output + k]! * values[input + c]!;
    }
  });
  return result;
}

/** Registers the kernels. */
export function installPooling(): void {
  replaceKernel<PoolAttributes>('MaxPoolGrad', ({ dy, input }, given, backend) =>
    maxPoolGradient(backend, dy!, input!, given),
  );
  replaceKernel<DepthwiseAttributes & { inputShape: number[] }>(
    'DepthwiseConv2dNativeBackpropInput',
    ({ dy, filter }, given, backend) => depthwiseDataGradient(backend, dy!, filter!, given),
  );
  replaceKernel<DepthwiseAttributes & { filterShape: number[] }>(
    'DepthwiseConv2dNativeBackpropFilter',
    ({ x, dy }, given, backend) => depthwiseFilterGradient(backend, x!, dy!, given),
  );
}

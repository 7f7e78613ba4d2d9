/**
 * Gradients of convolution with dilation, and of resizing.
 *
 * tfjs 4.22 refuses gradients of conv2d and depthwiseConv2d with dilation above 1. Here the filter is written out with the
 * dilation's zeros between its taps: then both gradients are those of an ordinary convolution.
 *
 * For resizeBilinear it ignores halfPixelCenters, and on the cpu engine exchanges height and width of images that are not
 * square; for resizeNearestNeighbor it ignores them too, and on the cpu engine is wrong from the second image of a batch on.
 * Resizing is linear in each direction, y = R x Cᵀ, so its gradient is Rᵀ dy C.
 */
import { tf } from '../../tf.ts';
import { replaceGradient, runKernel, spreadAxis } from './register.ts';

interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: unknown;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function pair(value: number | number[] | undefined): [number, number] {
  if (value === undefined) return [1, 1];
  return typeof value === 'number' ? [value, value] : [value[0]!, value[1] ?? value[0]!];
}

/** Extent of a filter with dilation's gaps written out. */
function dilated(extent: number, dilation: number): number {
  return (extent - 1) * dilation + 1;
}

/** Registers both gradients of one kind of convolution. */
function installConvolutionGradient(forward: string, dataKernel: string, filterKernel: string): void {
  replaceGradient<ConvolutionAttributes>(forward, { inputs: ['x', 'filter'] }, (dy, saved, attributes) => {
    const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
    const [down, across] = pair(attributes.dilations);
    const height = dilated(filter.shape[0], down);
    const width = dilated(filter.shape[1], across);
    const plain = { ...attributes, dilations: [1, 1] };
    return {
      x: () => {
        const rows = down > 1 ? spreadAxis(filter, 0, down, 0, height) : filter;
        const written = across > 1 ? spreadAxis(rows, 1, across, 0, width) : rows;
        return runKernel(dataKernel, { dy, filter: written }, { ...plain, inputShape: x.shape });
      },
      filter: () => {
        const filterShape = [height, width, filter.shape[2], filter.shape[3]];
        const gradient = runKernel(filterKernel, { x, dy }, { ...plain, filterShape });
        if (down * across === 1) return gradient;
        return tf.stridedSlice(gradient, [0, 0, 0, 0], filterShape, [down, across, 1, 1]);
      },
    };
  });
}

interface ResizeAttributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

/** Interpolation weights [to, from] in one direction, as the forward kernel has them. */
function interpolation(from: number, to: number, { alignCorners, halfPixelCenters }: ResizeAttributes): tf.Tensor2D {
  const corners = alignCorners && to > 1 ? 1 : 0;
  const scale = (from - corners) / (to - corners);
  const weights = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const position = halfPixelCenters ? scale * (row + 0.5) - 0.5 : scale * row;
    const low = Math.max(0, Math.floor(position));
    const high = Math.max(0, Math.min(from - 1, Math.ceil(position)));
    const part = position - low;
    weights[row * from + low]! += 1 - part;
    weights[row * from + high]! += part;
  }
  return tf.tensor2d(weights, [to, from]);
}

/** Weights [to, from] in one direction: 1 where the forward kernel takes the pixel from, else 0. */
function selection(from: number, to: number, { alignCorners, halfPixelCenters }: ResizeAttributes): tf.Tensor2D {
  const corners = alignCorners && to > 1 ? 1 : 0;
  const scale = (from - corners) / (to - corners);
  const weights = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const position = halfPixelCenters ? scale * (row + 0.5) : scale * row;
    const nearest = alignCorners ? Math.round(position) : Math.floor(position);
    weights[row * from + Math.max(0, Math.min(from - 1, nearest))] = 1;
  }
  return tf.tensor2d(weights, [to, from]);
}

/** Registers the gradient of one kind of resizing. */
function installResizeGradient(kernel: string, weights: typeof interpolation): void {
  replaceGradient<ResizeAttributes>(kernel, { inputs: ['images'] }, (dy, saved, attributes) => {
    const images = saved[0]!;
    return {
      images: () => {
        const [batch, height, width, channels] = images.shape as [number, number, number, number];
        const [, toHeight, toWidth] = dy.shape as [number, number, number, number];
        const rows = weights(height, toHeight, attributes);
        const columns = weights(width, toWidth, attributes);
        const byRow = tf.reshape(dy, [batch, toHeight, toWidth * channels]);
        const folded = tf.matMul(rows, byRow, true, false); // [B, H, toWidth·C]
        const byColumn = tf.reshape(folded, [batch * height, toWidth, channels]);
        return tf.reshape(tf.matMul(columns, byColumn, true, false), images.shape);
      },
    };
  });
}

/** Registers the gradients. */
export function installImageGradients(): void {
  installConvolutionGradient('Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter');
  installConvolutionGradient(
    'DepthwiseConv2dNative',
    'DepthwiseConv2dNativeBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
  );
  installResizeGradient('ResizeBilinear', interpolation);
  installResizeGradient('ResizeNearestNeighbor', selection);
}

/**
 * Gradients of pooling.
 *
 * Average pooling divides each window's sum by the number of real elements in it; tfjs 4.22 divides the gradient by the
 * window's full size instead, which is wrong wherever a window reaches into the padding. The ratio of the two is known
 * from the geometry, so dy is multiplied by it before tfjs's kernel runs.
 *
 * Where the number of windows is rounded up (`dimRoundingMode`), tfjs's gradients forget it and read dy in another shape.
 * They get the padding with which as many windows fit without rounding.
 */
import { tf } from '../../tf.ts';
import { replaceGradient, runKernel } from './register.ts';

interface PoolAttributes {
  filterSize: number | number[];
  strides: number | number[];
  pad: Parameters<typeof tf.backend_util.computePool2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The attributes with padding behind each axis up to the end of its last window. */
function unrounded(attributes: PoolAttributes, g: tf.backend_util.Conv2DInfo): PoolAttributes {
  if (!Array.isArray(attributes.pad) && typeof attributes.pad !== 'number') return attributes;
  const behind = (output: number, stride: number, filter: number, before: number, input: number): number =>
    Math.max(0, (output - 1) * stride + filter - before - input);
  const bottom = behind(g.outHeight, g.strideHeight, g.filterHeight, g.padInfo.top, g.inHeight);
  const right = behind(g.outWidth, g.strideWidth, g.filterWidth, g.padInfo.left, g.inWidth);
  const pad: [number, number][] = [
    [0, 0],
    [g.padInfo.top, bottom],
    [g.padInfo.left, right],
    [0, 0],
  ];
  return { ...attributes, pad: pad as never, dimRoundingMode: 'floor' };
}

/** For each window along one axis, its full size over the number of real elements in it. */
function shares(input: number, output: number, filter: number, stride: number, before: number): number[] {
  return Array.from({ length: output }, (_, at) => {
    const start = at * stride - before;
    return filter / (Math.min(input, start + filter) - Math.max(0, start));
  });
}

/** dy times the product of the shares of its axes; axes [1, …] of dy are the pooled ones. */
function scaled(dy: tf.Tensor, axes: number[][]): tf.Tensor {
  let result = dy;
  for (const [i, factors] of axes.entries()) {
    if (factors.every((factor) => factor === 1)) continue;
    const shape = dy.shape.map((_, axis) => (axis === i + 1 ? factors.length : 1));
    result = tf.mul(result, tf.tensor(factors, shape));
  }
  return result;
}

/** Registers the gradients. */
export function installPoolingGradients(): void {
  replaceGradient<PoolAttributes>('AvgPool', { inputs: ['x'] }, (dy, saved, attributes) => {
    const x = saved[0] as tf.Tensor4D;
    const { filterSize, strides, pad, dimRoundingMode } = attributes;
    return {
      x: () => {
        const size = filterSize as [number, number];
        const g = tf.backend_util.computePool2DInfo(x.shape, size, strides as number, 1, pad, dimRoundingMode);
        const upstream = scaled(dy, [
          shares(g.inHeight, g.outHeight, g.filterHeight, g.strideHeight, g.padInfo.top),
          shares(g.inWidth, g.outWidth, g.filterWidth, g.strideWidth, g.padInfo.left),
        ]);
        return runKernel('AvgPoolGrad', { dy: upstream, input: x }, unrounded(attributes, g));
      },
    };
  });
  replaceGradient<PoolAttributes>('MaxPool', { inputs: ['x'], outputs: [true] }, (dy, saved, attributes) => {
    const [x, y] = saved as [tf.Tensor4D, tf.Tensor4D];
    const { filterSize, strides, pad, dimRoundingMode } = attributes;
    return {
      x: () => {
        const size = filterSize as [number, number];
        const g = tf.backend_util.computePool2DInfo(x.shape, size, strides as number, 1, pad, dimRoundingMode);
        return runKernel('MaxPoolGrad', { dy, input: x, output: y }, unrounded(attributes, g));
      },
    };
  });
  replaceGradient<PoolAttributes>('AvgPool3D', { inputs: ['x'] }, (dy, saved, attributes) => {
    const x = saved[0] as tf.Tensor5D;
    const { filterSize, strides, pad, dimRoundingMode } = attributes;
    return {
      x: () => {
        const size = filterSize as [number, number, number];
        const g = tf.backend_util.computePool3DInfo(
          x.shape,
          size,
          strides as number,
          1,
          pad as 'same',
          dimRoundingMode,
        );
        const upstream = scaled(dy, [
          shares(g.inDepth, g.outDepth, g.filterDepth, g.strideDepth, g.padInfo.front),
          shares(g.inHeight, g.outHeight, g.filterHeight, g.strideHeight, g.padInfo.top),
          shares(g.inWidth, g.outWidth, g.filterWidth, g.strideWidth, g.padInfo.left),
        ]);
        return runKernel('AvgPool3DGrad', { dy: upstream, input: x }, attributes);
      },
    };
  });
}

/** Pooling of images [B, H, W, C]: each channel by itself. */
import { tf } from '@milestones/backend';
import { pairOf, requireImages, type ExplicitPadding, type Pair } from './window.ts';

/** Options of {@link maxPool2d}. A pair is one number, or [height, width]. */
export interface PoolingOptions {
  /** Size of the window, in pixels. */
  size: Pair;
  /** Pixels from one window to the next; smaller than the size, the windows overlap. Default: the size. */
  stride?: Pair;
  /** Rows and columns beyond each edge that windows may reach; at most half the window. Default 0. */
  padding?: Pair;
  /**
   * How many windows there are, with extent the image's rows or columns:
   *
   *     false (PyTorch's default)         ⌊(extent + 2 · padding − size) / stride⌋ + 1
   *     true (Caffe, cuda-convnet)        ⌈(extent + 2 · padding − size) / stride⌉ + 1, less the last one if it would
   *                                       begin beyond the image and the padding before it
   *
   * With `true`, the last window may reach over the edge, and every pixel is in some window (if stride ≤ size).
   */
  ceil?: boolean;
}

/** Options of {@link averagePool2d}. */
export interface AveragePoolingOptions extends PoolingOptions {
  /**
   * What a window's sum is divided by. True: by the number of its pixels in image and padding, where padding counts as
   * zeros (PyTorch's default, Caffe). False: by the number of its pixels in the image (cuda-convnet). Pixels that `ceil`
   * alone adds never count. Default true.
   */
  countPadding?: boolean;
}

/**
 * The largest value of each window. Padding is never the largest. The gradient goes to the first of the largest values,
 * in the order of rows.
 *
 * Overlapping pooling of Krizhevsky et al. 2012, section 3.4: `{ size: 3, stride: 2 }`.
 *
 * @param x [B, H, W, C]
 * @returns [B, H′, W′, C]
 */
export function maxPool2d(x: tf.Tensor4D, options: PoolingOptions): tf.Tensor4D {
  const { size, stride, padding } = windowsOf('maxPool2d', x, options);
  return tf.maxPool(x, size, stride, padding);
}

/**
 * The mean of each window.
 *
 * @param x [B, H, W, C]
 * @returns [B, H′, W′, C]
 */
export function averagePool2d(x: tf.Tensor4D, options: AveragePoolingOptions): tf.Tensor4D {
  const { size, stride, padding, counts } = windowsOf('averagePool2d', x, options);
  const means = tf.avgPool(x, size, stride, padding); // Of the pixels in the image.
  if (options.countPadding === false) return means;
  return counts.reduce((result, axis, index) => {
    if (axis.every(({ inImage, inPadding }) => inImage === inPadding)) return result;
    const shares = axis.map(({ inImage, inPadding }) => inImage / inPadding);
    const shape = index === 0 ? [1, shares.length, 1, 1] : [1, 1, shares.length, 1];
    return tf.mul(result, tf.tensor(shares, shape));
  }, means);
}

/**
 * The mean of all pixels of each channel. Lin et al. 2013, section 3.2.
 *
 * @param x [B, H, W, C]
 * @returns [B, C]
 */
export function globalAveragePool2d(x: tf.Tensor4D): tf.Tensor2D {
  requireImages('globalAveragePool2d', x);
  return tf.mean(x, [1, 2]);
}

/** How many pixels of one window along one axis lie in the image, and in image and padding. */
interface Count {
  inImage: number;
  inPadding: number;
}

interface Windows {
  size: [number, number];
  stride: [number, number];
  /** So much that exactly the wanted number of windows fits: tfjs's gradients know no other rounding than down. */
  padding: ExplicitPadding;
  /** Along height and along width. */
  counts: [Count[], Count[]];
}

function windowsOf(where: string, x: tf.Tensor4D, options: PoolingOptions): Windows {
  requireImages(where, x);
  const size = pairOf(where, 'size', options.size, 1);
  const stride = pairOf(where, 'stride', options.stride ?? size, 1);
  const padding = pairOf(where, 'padding', options.padding ?? 0, 0);
  const axes = [0, 1].map((axis) => {
    const [extent, window, step, edge] = [x.shape[axis + 1]!, size[axis]!, stride[axis]!, padding[axis]!];
    const places = (extent + 2 * edge - window) / step;
    if (places < 0 || 2 * edge > window) {
      throw new Error(
        `${where}: windows of ${size.join(' × ')} with padding ${padding.join(' × ')} do not fit images of shape ` +
          `[${x.shape.join(', ')}]; the window is at most as large as image and padding, the padding half a window.`,
      );
    }
    let count = (options.ceil === true ? Math.ceil(places) : Math.floor(places)) + 1;
    if ((count - 1) * step >= extent + edge) count -= 1;
    const after = Math.max(0, (count - 1) * step + window - extent - edge);
    const counts = Array.from({ length: count }, (_, index): Count => {
      const start = index * step - edge;
      const end = start + window;
      return {
        inImage: Math.min(end, extent) - Math.max(start, 0),
        inPadding: Math.min(end, extent + edge) - start,
      };
    });
    return { pad: [edge, after] as [number, number], counts };
  }) as [{ pad: [number, number]; counts: Count[] }, { pad: [number, number]; counts: Count[] }];
  return {
    size,
    stride,
    padding: [[0, 0], axes[0].pad, axes[1].pad, [0, 0]],
    counts: [axes[0].counts, axes[1].counts],
  };
}

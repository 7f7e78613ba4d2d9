import { tf } from '@milestones/backend';
import { withGradient } from '../with-gradient.ts';
import { requireImages } from './window.ts';

/** Options of {@link localResponseNormalization}; the defaults are the paper's. */
export interface LocalResponseNormalizationOptions {
  /** n: how many adjacent channels are summed over. Default 5. */
  size?: number;
  /** α. Default 1e-4. */
  alpha?: number;
  /** β. Default 0.75. */
  beta?: number;
  /** k. Default 2. */
  bias?: number;
  /**
   * Whether α is divided by n. False is the paper's formula; Caffe, PyTorch and cuda-convnet's configurations mean true,
   * so that their α is n times the paper's. Default false.
   */
  divideBySize?: boolean;
}

/**
 * Local response normalisation across adjacent channels. Krizhevsky et al. 2012, section 3.3.
 *
 *     y[i] = x[i] / (k + α · Σ x[j]²)^β        j from max(0, i − ⌊n / 2⌋) to min(C − 1, i + ⌊(n − 1) / 2⌋)
 *     dx[j] = dy[j] · s[j]^−β − 2 α β · x[j] · Σ dy[i] · y[i] / s[i]        s = k + α Σ x²; over the i whose sum has j
 *
 * The sums are products with a matrix of zeros and ones [C, C], written as a convolution of size 1: it stays in the
 * layout of the convolutions around it, and runs at their speed: on onnx, value and gradient take about a quarter of the
 * time of sums of shifted copies. With β = 0.75 the power is two square roots.
 *
 * @param x [B, H, W, C]
 * @returns [B, H, W, C]
 */
export function localResponseNormalization(
  x: tf.Tensor4D,
  options: LocalResponseNormalizationOptions = {},
): tf.Tensor4D {
  const { size = 5, alpha = 1e-4, beta = 0.75, bias = 2, divideBySize = false } = options;
  requireImages('localResponseNormalization', x);
  if (!Number.isInteger(size) || size < 1 || !(bias > 0) || !(alpha >= 0)) {
    throw new Error(
      `localResponseNormalization: size ${size}, alpha ${alpha} and bias ${bias} arrived; the size is a whole number of ` +
        'at least 1, alpha at least 0, bias above 0.',
    );
  }
  const channels = x.shape[3];
  const rate = divideBySize ? alpha / size : alpha;
  const result = withGradient<[tf.Tensor, tf.Tensor, tf.Tensor]>(
    x,
    (input) => {
      const sums = tf.conv2d(tf.square(input) as tf.Tensor4D, band(channels, size, rate, false), 1, 'valid');
      const scale = tf.add(sums, bias); // s, at least k
      const divisor = power(scale, beta);
      return { value: tf.div(input, divisor), saved: [input, scale, divisor] };
    },
    (dy, [input, scale, divisor]) => {
      const direct = tf.div(dy, divisor);
      const share = tf.div(tf.mul(direct, input), scale) as tf.Tensor4D; // dy · y / s
      const sums = tf.conv2d(share, band(channels, size, -2 * rate * beta, true), 1, 'valid');
      return tf.add(direct, tf.mul(input, sums));
    },
  );
  return result as tf.Tensor4D;
}

/** `value` where input channel j is in the window of output channel i, [1, 1, j, i]; transposed [1, 1, i, j]. */
function band(channels: number, size: number, value: number, transposed: boolean): tf.Tensor4D {
  const before = Math.min(channels, Math.floor(size / 2));
  const after = Math.min(channels, size - 1 - Math.floor(size / 2));
  const [below, above] = transposed ? [before, after] : [after, before];
  // Made by operations: a compiled step takes no large tensor of plain numbers.
  const matrix = tf.linalg.bandPart(tf.fill([channels, channels], value), below, above);
  return tf.reshape(matrix, [1, 1, channels, channels]);
}

/** s^β. Engines take powers one by one, and roots many at a time. */
function power(scale: tf.Tensor, beta: number): tf.Tensor {
  if (beta === 1) return scale;
  if (beta !== 0.5 && beta !== 0.75) return tf.pow(scale, beta);
  const root = tf.sqrt(scale);
  return beta === 0.5 ? root : tf.mul(root, tf.sqrt(root));
}

import { tf } from '@milestones/backend';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { pairOf, requireImages, type Pair } from './window.ts';

/** Options of {@link TransposedConvolution2D}. A pair is one number, or [height, width]. */
export interface TransposedConvolution2DOptions {
  inputChannels: number;
  outputChannels: number;
  /** Size of the filter, in pixels. */
  size: Pair;
  /** Pixels of the output from one pixel of the input to the next. Default 1. */
  stride?: Pair;
  /** Rows and columns that are cut off on each side of the output. Default 0. */
  padding?: Pair;
  /** Rows and columns that the output has more at its end; less than the stride. Default 0. */
  outputPadding?: Pair;
  /** Whether to add a bias. Default true. */
  bias?: boolean;
  /** Default U(−1/√fan, 1/√fan) with fan = height · width · outputChannels, as PyTorch. */
  weightInitializer?: Initializer;
  /** Default U(−1/√fan, 1/√fan). */
  biasInitializer?: Initializer;
}

/**
 * Transposed convolution: the gradient of a convolution by its input, used as a layer that enlarges images. Zeiler et al.
 * 2010; Dumoulin and Visin 2016, chapter 4.
 *
 *     y[n, h · stride + i − padding, w · stride + j − padding, o] += x[n, h, w, c] · weight[i, j, o, c];  y += b
 *
 * `weight` is [height, width, outputChannels, inputChannels], `bias` [outputChannels]. The output has
 * (extent − 1) · stride − 2 · padding + size + outputPadding rows or columns, so that a convolution of the same size,
 * stride and padding leads back to the input's shape.
 */
export class TransposedConvolution2D extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly outputPadding: readonly [number, number];

  constructor(options: TransposedConvolution2DOptions) {
    super();
    const where = 'TransposedConvolution2D';
    this.inputChannels = options.inputChannels;
    this.outputChannels = options.outputChannels;
    this.size = pairOf(where, 'size', options.size, 1);
    this.stride = pairOf(where, 'stride', options.stride ?? 1, 1);
    this.padding = pairOf(where, 'padding', options.padding ?? 0, 0);
    this.outputPadding = pairOf(where, 'outputPadding', options.outputPadding ?? 0, 0);
    if (this.outputPadding.some((each, axis) => each >= this.stride[axis]!)) {
      throw new Error(
        `TransposedConvolution2D: output padding ${this.outputPadding.join(' × ')} arrived with stride ` +
          `${this.stride.join(' × ')}; the output padding must be less than the stride.`,
      );
    }
    const shape = [...this.size, options.outputChannels, options.inputChannels];
    const fan = this.size[0] * this.size[1] * options.outputChannels;
    this.weight = new Parameter(shape, options.weightInitializer ?? fanInUniform(fan));
    this.bias =
      options.bias === false
        ? undefined
        : new Parameter([options.outputChannels], options.biasInitializer ?? fanInUniform(fan));
  }

  /**
   * @param x [B, H, W, inputChannels]
   * @returns [B, H′, W′, outputChannels]
   */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    requireImages('TransposedConvolution2D', x, this.inputChannels);
    const [rows, columns] = this.padding;
    const extent = (axis: 0 | 1): number =>
      (x.shape[axis + 1]! - 1) * this.stride[axis] -
      2 * this.padding[axis] +
      this.size[axis] +
      this.outputPadding[axis];
    const shape: [number, number, number, number] = [x.shape[0], extent(0), extent(1), this.outputChannels];
    if (shape[1] < 1 || shape[2] < 1) {
      throw new Error(
        `TransposedConvolution2D: input of shape [${x.shape.join(', ')}] would give an output of ${shape[1]} × ${shape[2]} ` +
          'pixels; give larger images, a larger filter or less padding.',
      );
    }
    const weight = this.weight.value as unknown as tf.Tensor4D;
    const y = tf.conv2dTranspose(
      x,
      weight,
      shape,
      [...this.stride],
      [
        [0, 0],
        [rows, rows],
        [columns, columns],
        [0, 0],
      ],
    );
    return this.bias === undefined ? y : tf.add(y, this.bias.value);
  }
}

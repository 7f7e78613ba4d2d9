import { tf } from '@milestones/backend';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { pairOf, requireImages, type Pair } from './window.ts';

/** Options of {@link MaskedConvolution2D}. A pair is one number, or [height, width]. */
export interface MaskedConvolution2DOptions {
  inputChannels: number;
  outputChannels: number;
  /** Size of the filter in pixels, odd, so that it has a middle. */
  size: Pair;
  /**
   * `'A'` hides the pixel itself: for the first layer, whose input is the image. `'B'` shows it: for later layers, whose
   * features at a pixel already know nothing of it.
   */
  mask: 'A' | 'B';
  /** Default U(−1/√fan, 1/√fan), fan = visible pixels · inputChannels. */
  weightInitializer?: Initializer;
  /** Default U(−1/√fan, 1/√fan). */
  biasInitializer?: Initializer;
}

/**
 * Convolution that sees only what comes before a pixel in reading order: the rows above, and what is to the left in its own.
 * van den Oord et al. 2016, "Pixel recurrent neural networks", section 3.4 and figure 2.
 *
 *     y[h, w, o] = b[o] + Σ over (i, j) before the middle, c of x[h + i, w + j, c] · weight[i, j, c, o]
 *
 * Images keep their size. The weight has all its entries; the hidden ones are multiplied by 0, get no gradient, and keep
 * their first value for ever. All channels of a pixel are shown or hidden together: the paper's order among red, green and
 * blue is not made here.
 */
export class MaskedConvolution2D extends Module {
  /** [height, width, inputChannels, outputChannels] */
  readonly weight: Parameter;
  /** [outputChannels] */
  readonly bias: Parameter;
  readonly inputChannels: number;
  readonly size: readonly [number, number];
  /** 1 where the filter sees, else 0: [height · width], row by row. */
  readonly visible: readonly number[];

  constructor(options: MaskedConvolution2DOptions) {
    super();
    const { inputChannels, outputChannels, mask } = options;
    this.inputChannels = inputChannels;
    this.size = pairOf('MaskedConvolution2D', 'size', options.size, 1);
    const [height, width] = this.size;
    if (height % 2 === 0 || width % 2 === 0) {
      throw new Error(
        `MaskedConvolution2D: size is ${height} × ${width}; give odd numbers, so that there is a middle.`,
      );
    }
    if (mask !== 'A' && mask !== 'B') {
      throw new Error(
        `MaskedConvolution2D: mask is "${String(mask)}"; choose 'A' for the first layer, 'B' for others.`,
      );
    }
    const middle = (height * width - 1) / 2;
    const seen = mask === 'A' ? middle : middle + 1;
    if (seen === 0) {
      throw new Error("MaskedConvolution2D: a filter of 1 × 1 with mask 'A' sees nothing; give a larger size.");
    }
    this.visible = Array.from({ length: height * width }, (_, place) => (place < seen ? 1 : 0));
    const start = fanInUniform(seen * inputChannels);
    this.weight = new Parameter([height, width, inputChannels, outputChannels], options.weightInitializer ?? start);
    this.bias = new Parameter([outputChannels], options.biasInitializer ?? start);
  }

  /**
   * @param x [B, H, W, inputChannels]
   * @returns [B, H, W, outputChannels]
   */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    requireImages('MaskedConvolution2D', x, this.inputChannels);
    const [height, width] = this.size;
    const mask = tf.tensor4d([...this.visible], [height, width, 1, 1]);
    const filter = tf.mul(this.weight.value, mask) as tf.Tensor4D;
    return tf.add(tf.conv2d(x, filter, 1, 'same'), this.bias.value);
  }
}

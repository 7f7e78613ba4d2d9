import { tf } from '@milestones/backend';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { pairOf, requireImages, type ExplicitPadding, type Pair } from './window.ts';

/** Options of {@link Convolution2D}. A pair is one number, or [height, width]. */
export interface Convolution2DOptions {
  inputChannels: number;
  outputChannels: number;
  /** Size of the filter, in pixels. */
  size: Pair;
  /** Pixels from one window to the next. Default 1. */
  stride?: Pair;
  /**
   * Rows and columns of zeros on each side. `'valid'` is 0; `'same'` is TensorFlow's rule: ⌈extent / stride⌉ windows, and
   * where the padding is odd, the extra row or column comes last. Default 0.
   */
  padding?: Pair | 'same' | 'valid';
  /** Pixels from one tap of the filter to the next. Default 1. */
  dilation?: Pair;
  /** The channels are cut into that many groups, in order, which do not see each other. Default 1. */
  groups?: number;
  /** Whether to add a bias. Default true. */
  bias?: boolean;
  /** Default U(−1/√fan, 1/√fan), as `Dense`; fan = height · width · inputChannels / groups. */
  weightInitializer?: Initializer;
  /** Default U(−1/√fan, 1/√fan). */
  biasInitializer?: Initializer;
}

/**
 * Convolution of images (in fact a correlation, as everywhere in deep learning). LeCun et al. 1989.
 *
 *     y[n, h, w, o] = b[o] + Σ over i, j, c of x[n, h · stride + i · dilation − padding, …, c] · weight[i, j, c, o]
 *
 * `weight` is [height, width, inputChannels / groups, outputChannels], `bias` [outputChannels]. With groups g, output
 * channels o of group ⌊o · g / outputChannels⌋ see the input channels of the same group (Krizhevsky et al. 2012, section
 * 3.5). The output has ⌊(extent + 2 · padding − dilation · (size − 1) − 1) / stride⌋ + 1 rows or columns.
 */
export class Convolution2D extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number] | 'same' | 'valid';
  readonly dilation: readonly [number, number];
  readonly groups: number;

  constructor(options: Convolution2DOptions) {
    super();
    const { inputChannels, outputChannels, padding = 0, groups = 1 } = options;
    const where = 'Convolution2D';
    this.inputChannels = inputChannels;
    this.outputChannels = outputChannels;
    this.size = pairOf(where, 'size', options.size, 1);
    this.stride = pairOf(where, 'stride', options.stride ?? 1, 1);
    this.padding = typeof padding === 'string' ? padding : pairOf(where, 'padding', padding, 0);
    this.dilation = pairOf(where, 'dilation', options.dilation ?? 1, 1);
    this.groups = groups;
    if (!Number.isInteger(groups) || groups < 1 || inputChannels % groups !== 0 || outputChannels % groups !== 0) {
      throw new Error(
        `Convolution2D: ${inputChannels} input and ${outputChannels} output channels do not divide by ${groups} groups; ` +
          'choose a number of groups that divides both.',
      );
    }
    if (this.stride.some((each) => each > 1) && this.dilation.some((each) => each > 1)) {
      throw new Error(
        `Convolution2D: stride ${this.stride.join(' × ')} and dilation ${this.dilation.join(' × ')} arrived; one of the ` +
          'two must be 1.',
      );
    }
    const [height, width] = this.size;
    const shape = [height, width, inputChannels / groups, outputChannels];
    this.weight = new Parameter(shape, options.weightInitializer ?? fanInUniform());
    this.bias =
      options.bias === false
        ? undefined
        : new Parameter(
            [outputChannels],
            options.biasInitializer ?? fanInUniform((height * width * inputChannels) / groups),
          );
  }

  /**
   * @param x [B, H, W, inputChannels]
   * @returns [B, H′, W′, outputChannels]
   */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    requireImages('Convolution2D', x, this.inputChannels);
    this.#requireRoom(x);
    const weight = this.weight.value as unknown as tf.Tensor4D;
    const y = this.groups === 1 ? this.#convolve(x, weight) : this.#convolveGroups(x, weight);
    return this.bias === undefined ? y : tf.add(y, this.bias.value);
  }

  #convolve(x: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D {
    return tf.conv2d(x, weight, [...this.stride], this.#padding(), 'NHWC', [...this.dilation]);
  }

  #convolveGroups(x: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D {
    if (this.groups === this.inputChannels && this.dilation.every((each) => each === 1)) {
      // Every channel by itself; engines have a kernel for that.
      const [height, width] = this.size;
      const multiplier = this.outputChannels / this.groups;
      const filter = tf.reshape(weight, [height, width, this.inputChannels, multiplier]) as tf.Tensor4D;
      return tf.depthwiseConv2d(x, filter, [...this.stride], this.#padding());
    }
    const images = tf.split(x, this.groups, 3); // each [B, H, W, inputChannels / groups]
    const filters = tf.split(weight, this.groups, 3);
    const parts = images.map((image, group) => this.#convolve(image as tf.Tensor4D, filters[group] as tf.Tensor4D));
    return tf.concat(parts, 3);
  }

  /** Written out: of one number tfjs would compute the width from the filter's height. */
  #padding(): 'same' | 'valid' | ExplicitPadding {
    if (typeof this.padding === 'string') return this.padding;
    const [rows, columns] = this.padding;
    return [
      [0, 0],
      [rows, rows],
      [columns, columns],
      [0, 0],
    ];
  }

  #requireRoom(x: tf.Tensor4D): void {
    if (this.padding === 'same') return;
    const padding = this.padding === 'valid' ? [0, 0] : this.padding;
    for (const axis of [0, 1] as const) {
      const reach = this.dilation[axis] * (this.size[axis] - 1) + 1;
      if (x.shape[axis + 1]! + 2 * padding[axis]! < reach) {
        throw new Error(
          `Convolution2D: input of shape [${x.shape.join(', ')}] arrived for a filter that reaches over ${reach} ` +
            `${axis === 0 ? 'rows' : 'columns'} with padding ${padding[axis]}; give larger images or more padding.`,
        );
      }
    }
  }
}

/**
 * Deep convolutional adversarial networks. Radford, Metz and Chintala 2015, "Unsupervised representation learning with deep
 * convolutional generative adversarial networks", section 3.
 * Idea: strided convolutions in place of pooling, batch normalisation in both networks, no dense layers between.
 *   generator      z → transposed 4×4 → [4, 4, …] → doublings of the side (batch norm, ReLU) → tanh
 *   discriminator  image → halvings of the side (batch norm, leaky ReLU 0.2) → 4×4 convolution → 1 (logit)
 *   64×64 colour, width 64: 3,576,704 and 2,765,568 weights
 * Dimensions: B batch, Z noise, S side, C channels.
 */
import { tf } from '@milestones/backend';
import {
  BatchNorm,
  completeConfig,
  Convolution2D,
  leakyRelu,
  Module,
  normal,
  TransposedConvolution2D,
} from '@milestones/core';
import { dcganSchema, type DcganConfig, type DcganOptions, type NoiseKind } from './config.ts';
import { requireNoise } from './model.ts';

const weights = { bias: false, weightInitializer: normal(0.02) };

/** Gains N(1, 0.02²), biases 0. */
const norm = (features: number): BatchNorm => new BatchNorm({ features, scaleInitializer: normal(0.02, 1) });

/** How often the side doubles from 4 on. */
const doublings = ({ size }: DcganConfig): number => Math.log2(size / 4);

/** Noise [B, Z] → images [B, S, S, C] from −1 to 1. */
export class DcganGenerator extends Module {
  readonly config: DcganConfig;
  readonly imageShape: readonly [number, number, number];
  readonly convolutions: TransposedConvolution2D[];
  readonly norms: BatchNorm[];

  /** @param options sizes; what is left out makes networks for 28×28 grey images */
  constructor(options: DcganOptions = {}) {
    super();
    this.config = checkedSizes('DcganGenerator', options);
    const { noiseSize, width, imageSize, channels } = this.config;
    this.imageShape = [imageSize, imageSize, channels];
    const levels = doublings(this.config);
    // From 4×4 with the most channels to half the side with `width` of them.
    const widths = Array.from({ length: levels }, (_, level) => width * 2 ** (levels - 1 - level));
    this.convolutions = [
      new TransposedConvolution2D({ ...weights, inputChannels: noiseSize, outputChannels: widths[0]!, size: 4 }),
      ...widths.map(
        (inputChannels, level) =>
          new TransposedConvolution2D({
            ...weights,
            inputChannels,
            outputChannels: widths[level + 1] ?? channels,
            size: 4,
            stride: 2,
            padding: 1,
          }),
      ),
    ];
    this.norms = widths.map(norm);
  }

  get noiseSize(): number {
    return this.config.noiseSize;
  }

  get noise(): NoiseKind {
    return this.config.noise;
  }

  /**
   * @param noise [B, Z]
   * @returns images [B, S, S, C]
   */
  forward(noise: tf.Tensor2D): tf.Tensor4D {
    requireNoise('DcganGenerator', noise, this.noiseSize);
    let maps = tf.reshape(noise, [-1, 1, 1, this.noiseSize]) as tf.Tensor4D; // [B, 1, 1, Z]
    for (const [level, convolution] of this.convolutions.entries()) {
      maps = convolution.forward(maps); // [B, 4 · 2^level, 4 · 2^level, channels]
      const own = this.norms[level];
      maps = own === undefined ? tf.tanh(maps) : tf.relu(own.forward(maps) as tf.Tensor4D);
    }
    return maps; // [B, S, S, C]
  }

  /** [B, S, S, C] from −1 to 1 → the middle of each, [B, H · W · C] from 0 to 1. */
  toPixels(images: tf.Tensor): tf.Tensor2D {
    const { size, imageSize, channels } = this.config;
    const margin = Math.floor((size - imageSize) / 2);
    const middle = tf.slice(images as tf.Tensor4D, [0, margin, margin, 0], [-1, imageSize, imageSize, channels]);
    const flat = tf.reshape(middle, [images.shape[0]!, imageSize * imageSize * channels]); // [B, P]
    return tf.mul(tf.add(flat, 1), 0.5) as tf.Tensor2D;
  }
}

/** Images [B, S, S, C] from −1 to 1 → logits [B, 1]. */
export class DcganDiscriminator extends Module {
  readonly config: DcganConfig;
  readonly convolutions: Convolution2D[];
  readonly norms: BatchNorm[];

  /** @param options sizes; what is left out makes networks for 28×28 grey images */
  constructor(options: DcganOptions = {}) {
    super();
    this.config = checkedSizes('DcganDiscriminator', options);
    const { width, channels } = this.config;
    const widths = Array.from({ length: doublings(this.config) }, (_, level) => width * 2 ** level);
    this.convolutions = [
      ...widths.map(
        (outputChannels, level) =>
          new Convolution2D({
            ...weights,
            inputChannels: widths[level - 1] ?? channels,
            outputChannels,
            size: 4,
            stride: 2,
            padding: 1,
          }),
      ),
      new Convolution2D({ ...weights, inputChannels: widths.at(-1)!, outputChannels: 1, size: 4 }),
    ];
    // The first layer has none (section 3): normalising the input's colours made both networks oscillate.
    this.norms = widths.slice(1).map(norm);
  }

  /** @param images [B, S, S, C] */
  forward(images: tf.Tensor): tf.Tensor2D {
    let maps = images as tf.Tensor4D;
    for (const [level, convolution] of this.convolutions.entries()) {
      maps = convolution.forward(maps); // [B, S / 2^(level + 1), …, channels]; at last [B, 1, 1, 1]
      const own = this.norms[level - 1];
      if (own !== undefined) maps = own.forward(maps) as tf.Tensor4D;
      if (level < this.convolutions.length - 1) maps = leakyRelu(maps, 0.2) as tf.Tensor4D;
    }
    return tf.reshape(maps, [-1, 1]);
  }

  /** Pixels [B, H, W, C] from 0 to 1 → [B, S, S, C] from −1 (also the margin) to 1. */
  fromPixels(pixels: tf.Tensor4D): tf.Tensor4D {
    const { size, imageSize } = this.config;
    const before = Math.floor((size - imageSize) / 2);
    const margin: [number, number] = [before, size - imageSize - before];
    return tf.pad(tf.sub(tf.mul(pixels, 2), 1), [[0, 0], margin, margin, [0, 0]], -1) as tf.Tensor4D;
  }
}

function checkedSizes(where: string, options: DcganOptions): DcganConfig {
  const config = completeConfig(where, dcganSchema, options);
  if (config.imageSize <= config.size) return config;
  throw new Error(
    `${where}: images of ${config.imageSize} pixels do not fit into ${config.size}; choose a size of ` +
      `${2 ** Math.ceil(Math.log2(config.imageSize))}.`,
  );
}

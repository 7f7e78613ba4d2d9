/**
 * The adversarial networks of 2014, in the configuration that their authors published for MNIST. Goodfellow et al. 2014,
 * "Generative adversarial networks"; maxout: Goodfellow et al. 2013.
 * Idea: a generator learns to make images that a discriminator, trained at the same time, cannot tell from real ones.
 *   generator      100 → 1200 ReLU → 1200 ReLU → 784 sigmoid                          2,503,984 weights
 *   discriminator  784 → 240 maxout of 5 → 240 maxout of 5 → 1 (logit)                1,231,441 weights
 * Section 3, noise z at the lowest layer only → Generator.forward()    Section 5, maxout and dropout → Discriminator.forward()
 * Dimensions: B batch, Z size of the noise, P pixels of an image.
 */
import { tf } from '@milestones/backend';
import { completeConfig, Dense, Dropout, Maxout, Module, uniform, zeros, type RandomKey } from '@milestones/core';
import { modelSchema, type ModelConfig, type ModelOptions, type NoiseKind } from './config.ts';
import { requireUnitRange } from './unit-range.ts';

/** What every generator here offers: noise in, images out. */
export type ImageGenerator = Module & {
  /** Z, numbers of noise per image. */
  readonly noiseSize: number;
  /** The distribution that the noise is drawn from. */
  readonly noise: NoiseKind;
  /** Height, width and channels of what `toPixels` gives. */
  readonly imageShape: readonly [number, number, number];
  /** Noise [B, Z] → images in the form that the discriminator takes. */
  forward(noise: tf.Tensor2D): tf.Tensor;
  /** Images as `forward` gives them → [B, P], numbers from 0 (black) to 1. */
  toPixels(images: tf.Tensor): tf.Tensor2D;
};

/** What every discriminator here offers: images in, logits out. */
export type ImageDiscriminator = Module & {
  /** Images → [B, 1], log odds that each is real. Dropout takes its noise from `key`. */
  forward(images: tf.Tensor, key?: RandomKey): tf.Tensor2D;
  /** Pixels [B, H, W, C] from 0 to 1 → the form that `forward` takes. */
  fromPixels(pixels: tf.Tensor4D): tf.Tensor;
};

/** Weights in U(−range, range) and biases of 0, as in the published configuration. */
const within = (range: number) => ({ weightInitializer: uniform(-range, range), biasInitializer: zeros() });

/** x = σ(W₃ relu(W₂ relu(W₁ z))): noise [B, Z] → images [B, P] from 0 to 1. */
export class Generator extends Module {
  readonly config: ModelConfig;
  readonly imageShape: readonly [number, number, number];
  readonly hidden: Dense[];
  readonly output: Dense;

  /** @param options sizes; what is left out is the published configuration */
  constructor(options: ModelOptions = {}) {
    super();
    this.config = completeConfig('Generator', modelSchema, options);
    const { noiseSize, generatorHidden, imageSize } = this.config;
    this.imageShape = [imageSize, imageSize, 1];
    const widths = [noiseSize, ...generatorHidden];
    this.hidden = generatorHidden.map((width, index) => new Dense(widths[index]!, width, within(0.05)));
    this.output = new Dense(widths.at(-1)!, imageSize ** 2, within(0.05));
  }

  get noiseSize(): number {
    return this.config.noiseSize;
  }

  get noise(): NoiseKind {
    return this.config.noise;
  }

  /**
   * @param noise [B, Z]
   * @returns images [B, P]
   */
  forward(noise: tf.Tensor2D): tf.Tensor2D {
    requireNoise('Generator', noise, this.noiseSize);
    let activity: tf.Tensor = noise; // [B, Z]
    for (const layer of this.hidden) activity = tf.relu(layer.forward(activity)); // [B, width]
    return tf.sigmoid(this.output.forward(activity)) as tf.Tensor2D; // [B, P]
  }

  /** The images themselves: they are pixels already. */
  toPixels(images: tf.Tensor): tf.Tensor2D {
    return images as tf.Tensor2D;
  }

  /**
   * Sets the output's bias to the log odds of each pixel's mean, log(m / (1 − m)), so that training begins with the mean
   * image and not with grey: the published configuration. m is kept 10⁻⁷ away from 0 and 1.
   *
   * @param images [N, P], flat: numbers from 0 to 1
   */
  setOutputBias(images: ArrayLike<number>): void {
    const pixels = this.output.outFeatures;
    const count = images.length / pixels;
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new Error(
        `Generator.setOutputBias: ${images.length} values arrived for images of ${pixels} pixels; give whole images.`,
      );
    }
    requireUnitRange('Generator.setOutputBias', images);
    const sums = new Float64Array(pixels);
    for (let index = 0; index < images.length; index++) sums[index % pixels]! += images[index]!;
    const bias = Float32Array.from(sums, (sum) => {
      const mean = Math.min(1 - 1e-7, Math.max(1e-7, sum / count));
      return Math.log(mean / (1 - mean));
    });
    tf.tidy(() => this.output.bias!.value.assign(tf.tensor1d(bias)));
  }
}

/** Maxout on maxout on a logit, dropout before each: images [B, P] → [B, 1]. */
export class Discriminator extends Module {
  readonly config: ModelConfig;
  readonly inputDropout: Dropout;
  readonly dropout: Dropout;
  readonly hidden: Maxout[];
  readonly output: Dense;

  /** @param options sizes; what is left out is the published configuration */
  constructor(options: ModelOptions = {}) {
    super();
    this.config = completeConfig('Discriminator', modelSchema, options);
    const { discriminatorUnits, pieces, inputDropout, dropout, imageSize } = this.config;
    this.inputDropout = new Dropout(inputDropout);
    this.dropout = new Dropout(dropout);
    const widths = [imageSize ** 2, ...discriminatorUnits];
    this.hidden = discriminatorUnits.map((units, index) => new Maxout(widths[index]!, units, pieces, within(0.005)));
    this.output = new Dense(widths.at(-1)!, 1, within(0.005));
  }

  /**
   * @param images [B, P]
   * @param key where dropout's noise comes from; needed in training mode
   * @returns log odds that each image is real, [B, 1]
   */
  forward(images: tf.Tensor, key?: RandomKey): tf.Tensor2D {
    let activity = this.inputDropout.forward(images, key?.fold('input')); // [B, P]
    for (const [index, layer] of this.hidden.entries()) {
      activity = layer.forward(activity); // [B, units]
      // After the largest piece was taken: dropout drops units of the layer, not its pieces.
      activity = this.dropout.forward(activity, key?.fold(index));
    }
    return this.output.forward(activity) as tf.Tensor2D; // [B, 1]
  }

  /** [B, H, W, 1] → [B, P] */
  fromPixels(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.reshape(pixels, [pixels.shape[0], -1]);
  }
}

/** Says what is wrong with noise that a generator cannot take. */
export function requireNoise(where: string, noise: tf.Tensor, size: number): void {
  if (noise.rank === 2 && noise.shape[1] === size && noise.dtype === 'float32') return;
  throw new Error(
    `${where}: ${noise.dtype} noise of shape [${noise.shape.join(', ')}] arrived; give float32 numbers of shape ` +
      `[B, ${size}], one row for each image.`,
  );
}

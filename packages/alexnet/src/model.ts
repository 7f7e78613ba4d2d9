/**
 * AlexNet. Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks".
 * Idea: a large convolutional network of ReLUs, trained on two GPUs, with dropout, overlapping pooling and local response
 * normalisation.
 *
 *   two-tower    layers 2, 4 and 5 in two groups → 60,965,224 weights
 *   ungrouped    the same in one group           → 62,378,344 weights
 *   torchvision  64-192-384-256-256 channels     → 61,100,840 weights
 *
 * Figure 2 → AlexNet      Section 3.3 → the norm of layers 1 and 2      Section 3.4 → pool()      Section 4.2 → dropout
 * The figure's 253,440 units of layer 1 are a slip: 55 · 55 · 96 = 290,400.
 * Dimensions: B batch, H×W pixels, C channels, K classes. Images are 224×224.
 */
import { tf } from '@milestones/backend';
import {
  classifyImage,
  constant,
  completeConfig,
  Convolution2D,
  Dense,
  Dropout,
  localResponseNormalization,
  maxPool2d,
  Module,
  normal,
  zeros,
  type ClassProbability,
  type RandomKey,
} from '@milestones/core';
import { prepareImage, type Pixels, type Preprocessing } from '@milestones/datasets';
import { alexnetConfigSchema, type AlexNetConfig, type AlexNetOptions } from './config.ts';
import { loadTorchvision } from './torchvision.ts';

/** Height and width of an image. */
export const imageSize = 224;

/** Output channels of the five convolutions, and how many groups each has. */
const channelsOf = {
  'two-tower': { channels: [96, 256, 384, 384, 256], groups: [1, 2, 1, 2, 2] },
  ungrouped: { channels: [96, 256, 384, 384, 256], groups: [1, 1, 1, 1, 1] },
  torchvision: { channels: [64, 192, 384, 256, 256], groups: [1, 1, 1, 1, 1] },
} as const satisfies Record<AlexNetConfig['variant'], { channels: number[]; groups: number[] }>;

/** Overlapping pooling: windows of 3 every 2 pixels (section 3.4). x [B, H, W, C] → [B, ⌊(H − 3) / 2⌋ + 1, …, C] */
function pool(x: tf.Tensor4D): tf.Tensor4D {
  return maxPool2d(x, { size: 3, stride: 2 });
}

/** See the file's head. */
export class AlexNet extends Module {
  readonly config: AlexNetConfig;
  readonly convolutions: Convolution2D[];
  readonly dense: Dense[];
  readonly dropout: Dropout;
  /** K, number of classes. */
  readonly classes: number;
  /** What the classes are called, where the weights came with names. */
  classNames: readonly string[] | undefined;
  /** How pixels become the network's input, where the weights came with it. */
  preprocessing: Preprocessing | undefined;

  /** Declares a network; no weight is allocated before `initialize`, `loadStateDict` or {@link fromTorchvision}. */
  constructor(options: AlexNetOptions = {}) {
    super();
    this.config = completeConfig('AlexNet', alexnetConfigSchema, options);
    const { variant, classes } = this.config;
    this.classes = classes;
    const { channels, groups } = channelsOf[variant];
    const sizes = [11, 5, 3, 3, 3];
    const weightInitializer = normal(0.01); // Section 5.
    this.convolutions = channels.map(
      (outputChannels, index) =>
        new Convolution2D({
          inputChannels: index === 0 ? 3 : channels[index - 1]!,
          outputChannels,
          size: sizes[index]!,
          stride: index === 0 ? 4 : 1,
          padding: [2, 2, 1, 1, 1][index]!, // 2 at the first, or 224 pixels would not give 55.
          groups: groups[index]!,
          weightInitializer,
          // Ones in layers 2, 4 and 5 and in the hidden dense layers, so that ReLUs begin with positive inputs.
          biasInitializer: [1, 3, 4].includes(index) ? constant(1) : zeros(),
        }),
    );
    const features = 6 * 6 * channels[4];
    this.dense = [4096, 4096, classes].map(
      (units, index) =>
        new Dense(index === 0 ? features : 4096, units, {
          weightInitializer,
          biasInitializer: index < 2 ? constant(1) : zeros(),
        }),
    );
    this.dropout = new Dropout(this.config.dropout);
  }

  /**
   * A network with torchvision's weights, in evaluation mode.
   *
   * @param source a `.safetensors` file with torchvision's names: a path (in Node) or a URL
   */
  static async fromTorchvision(source: string | URL): Promise<AlexNet> {
    const { state, classes, preprocessing } = await loadTorchvision(source);
    const model = new AlexNet({ variant: 'torchvision', classes });
    try {
      model.loadStateDict(state);
    } finally {
      tf.dispose(state);
    }
    model.preprocessing = preprocessing;
    return model.eval();
  }

  /** Images [B, 224, 224, 3] → what the dense layers see, [B, 6, 6, C] */
  features(images: tf.Tensor4D): tf.Tensor4D {
    const [, height, width] = images.shape;
    if (height !== imageSize || width !== imageSize) {
      throw new Error(
        `AlexNet: images of ${height}×${width} pixels arrived; the network takes ${imageSize}×${imageSize}: crop or resize them.`,
      );
    }
    const normalized = this.config.variant !== 'torchvision';
    let x = images;
    for (const [index, convolution] of this.convolutions.entries()) {
      x = tf.relu(convolution.forward(x)); // [B, 55 | 27 | 13, …, C]
      // Section 3.3: after the ReLU and before the pooling, in layers 1 and 2.
      if (normalized && index < 2) x = localResponseNormalization(x);
      if (index !== 2 && index !== 3) x = pool(x); // 55 → 27, 27 → 13, 13 → 6
    }
    return x;
  }

  /**
   * @param images [B, 224, 224, 3], the mean subtracted
   * @param key noise for dropout; needed in training mode
   * @returns logits [B, K]
   */
  forward(images: tf.Tensor4D, key?: RandomKey): tf.Tensor2D {
    const [first, second, last] = this.dense as [Dense, Dense, Dense];
    let x: tf.Tensor = tf.reshape(this.features(images), [images.shape[0], -1]); // [B, 6 · 6 · C]
    if (this.config.variant === 'torchvision') {
      // The later net drops what goes into the first two dense layers, the paper's what comes out of them.
      x = tf.relu(first.forward(this.dropout.forward(x, key?.fold('first')))); // [B, 4096]
      x = tf.relu(second.forward(this.dropout.forward(x, key?.fold('second'))));
      return last.forward(x) as tf.Tensor2D;
    }
    x = this.dropout.forward(tf.relu(first.forward(x)), key?.fold('first')); // [B, 4096]
    x = this.dropout.forward(tf.relu(second.forward(x)), key?.fold('second'));
    return last.forward(x) as tf.Tensor2D; // [B, K]
  }

  /**
   * The most likely classes of one image: the mean of the softmax over ten pieces of it (section 4.1).
   *
   * @param image pixels from 0 to 255, of any size
   * @returns the `top` (default 5) most likely classes, best first
   */
  async predict(image: Pixels, options: { top?: number } = {}): Promise<ClassProbability[]> {
    const { images, shape } = prepareImage('AlexNet.predict', image, this.preprocessing);
    const input = tf.tensor4d(images, shape);
    const { classNames: names, preprocessing } = this;
    return classifyImage(this, input, { names, crop: preprocessing?.crop, ...options }).finally(() => input.dispose());
  }
}

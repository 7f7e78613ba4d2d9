/**
 * Residual networks. He et al. 2015, "Deep residual learning for image recognition".
 * Idea: each block learns a correction to what came in, y = relu(x + F(x)), so that a deep net can always do what a
 * shallow one does.
 *
 *   cifar-20    3 stages of 3 blocks, 16-32-64 channels →     269,722 weights
 *   cifar-110   3 stages of 18 blocks                   →   1,727,962 weights
 *   imagenet-50 3-4-6-3 bottleneck blocks               →  25,557,032 weights
 *
 * Figure 2 → ResidualBlock        Figure 5, right → its bottleneck form        Section 3.3, option A → subsampleAndPad()
 * Table 1 and section 4.2 → ResNet. A plain network is the same without the addition.
 * Dimensions: B batch, H×W pixels, C channels, K classes.
 */
import { tf } from '@milestones/backend';
import {
  BatchNorm,
  classifyImage,
  Convolution2D,
  Dense,
  globalAveragePool2d,
  heNormal,
  loadOwnWeights,
  maxPool2d,
  Module,
  type ClassProbability,
} from '@milestones/core';
import { prepareImage, type Pixels, type Preprocessing } from '@milestones/datasets';
import { resnetConfig, stagesOf, type ResNetConfig, type ResNetOptions, type ResNetSize } from './config.ts';
import { openPretrained, type PretrainedName } from './weights.ts';

/** A convolution without a bias (the norm has one) and its batch norm. */
export class NormedConvolution extends Module {
  readonly convolution: Convolution2D;
  readonly norm: BatchNorm;

  constructor(inputChannels: number, outputChannels: number, size: number, stride: number) {
    super();
    const weightInitializer = heNormal();
    const padding = (size - 1) / 2;
    this.convolution = new Convolution2D({
      inputChannels,
      outputChannels,
      size,
      stride,
      padding,
      bias: false,
      weightInitializer,
    });
    this.norm = new BatchNorm({ features: outputChannels });
  }

  /** x [B, H, W, C] → [B, H / stride, W / stride, outputChannels] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.norm.forward(this.convolution.forward(x)) as tf.Tensor4D;
  }
}

/**
 * Option A: every `stride`-th pixel, and zeros for the channels that are new, half of them before and half after.
 * It has no weights. Written as a 1×1 convolution with ones on a diagonal, which engines run fast.
 *
 * @param x [B, H, W, C]
 * @returns [B, H / stride, W / stride, outputChannels]
 */
export function subsampleAndPad(x: tf.Tensor4D, stride: number, outputChannels: number): tf.Tensor4D {
  const channels = x.shape[3];
  const added = outputChannels - channels;
  if (added < 0) {
    throw new Error(
      `subsampleAndPad: ${channels} channels arrived and ${outputChannels} are wanted; padding only adds channels.`,
    );
  }
  const before = Math.floor(added / 2);
  const diagonal = tf.pad(tf.eye(channels), [
    [0, 0],
    [before, added - before],
  ]); // [C, outputChannels]
  return tf.conv2d(x, tf.reshape(diagonal, [1, 1, channels, outputChannels]) as tf.Tensor4D, stride, 'valid');
}

/**
 * One block: y = relu(shortcut(x) + F(x)), where F is two 3×3 convolutions, or in its bottleneck form 1×1, 3×3 and 1×1
 * with a quarter of the channels inside. He et al. 2015, equation 1 and figure 5. The last norm comes before the
 * addition, the last ReLU after it.
 */
export class ResidualBlock extends Module {
  readonly layers: NormedConvolution[];
  /** Option B's projection, where the shape changes. */
  readonly projection: NormedConvolution | undefined;
  readonly #config: Pick<ResNetConfig, 'shortcut'>;
  readonly #stride: number;
  readonly #outputChannels: number;

  constructor(
    inputChannels: number,
    outputChannels: number,
    stride: number,
    bottleneck: boolean,
    config: ResNetConfig,
  ) {
    super();
    this.#config = config;
    this.#stride = stride;
    this.#outputChannels = outputChannels;
    const inner = outputChannels / 4;
    const [firstStride, middleStride] = config.bottleneckStride === 'first' ? [stride, 1] : [1, stride];
    this.layers = bottleneck
      ? [
          new NormedConvolution(inputChannels, inner, 1, firstStride),
          new NormedConvolution(inner, inner, 3, middleStride),
          new NormedConvolution(inner, outputChannels, 1, 1),
        ]
      : [
          new NormedConvolution(inputChannels, outputChannels, 3, stride),
          new NormedConvolution(outputChannels, outputChannels, 3, 1),
        ];
    const changes = stride !== 1 || inputChannels !== outputChannels;
    this.projection =
      changes && config.shortcut === 'projection'
        ? new NormedConvolution(inputChannels, outputChannels, 1, stride)
        : undefined;
  }

  /** x [B, H, W, C] → [B, H / stride, W / stride, outputChannels] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    let correction = x;
    this.layers.forEach((layer, index) => {
      const input = index === 0 ? correction : tf.relu(correction);
      correction = layer.forward(input);
    });
    if (this.#config.shortcut === 'none') return tf.relu(correction);
    return tf.relu(tf.add(correction, this.#shortcut(x)));
  }

  #shortcut(x: tf.Tensor4D): tf.Tensor4D {
    if (this.projection !== undefined) return this.projection.forward(x);
    if (this.#stride === 1 && x.shape[3] === this.#outputChannels) return x;
    return subsampleAndPad(x, this.#stride, this.#outputChannels);
  }
}

/** The whole network: a first convolution, stages of blocks that halve the image and double the channels, and a classifier. */
export class ResNet extends Module {
  readonly config: ResNetConfig;
  readonly stem: NormedConvolution;
  readonly blocks: ResidualBlock[];
  readonly head: Dense;
  /** K, number of classes. */
  readonly classes: number;
  /** What the classes are called, where the weights came with names. */
  classNames: readonly string[] | undefined;
  /** How pixels become the network's input, where the weights came with it. */
  preprocessing: Preprocessing | undefined;

  /**
   * Declares a network; no weight is allocated before `initialize`, `loadStateDict` or {@link fromPretrained}.
   *
   * @param options a named size, or the architecture
   */
  constructor(options: ResNetOptions | ResNetSize = {}) {
    super();
    this.config = resnetConfig(options);
    const { family, width, inputChannels, classes } = this.config;
    const { blocks, bottleneck } = stagesOf(this.config);
    const large = family === 'imagenet';
    this.classes = classes;
    this.stem = new NormedConvolution(inputChannels, width, large ? 7 : 3, large ? 2 : 1);
    this.blocks = [];
    let channels = width;
    blocks.forEach((count, stage) => {
      const outputChannels = width * 2 ** stage * (bottleneck ? 4 : 1);
      for (let index = 0; index < count; index++) {
        const stride = stage > 0 && index === 0 ? 2 : 1;
        this.blocks.push(new ResidualBlock(channels, outputChannels, stride, bottleneck, this.config));
        channels = outputChannels;
      }
    });
    this.head = new Dense(channels, classes);
  }

  /**
   * A network with weights, class names and preprocessing, in evaluation mode.
   *
   * @param source the name of weights that come with this package, a folder that `savePretrained` wrote, or a
   * `.safetensors` file with torchvision's names: a path (in Node) or a URL
   */
  static async fromPretrained(source: PretrainedName | (string & {}) | URL): Promise<ResNet> {
    const saved = await openPretrained(source);
    const model = new ResNet(saved.config);
    await loadOwnWeights(model, saved);
    model.classNames = saved.classNames;
    model.preprocessing = saved.preprocessing;
    return model.eval();
  }

  /** What the classifier sees. Images [B, H, W, C] → [B, features] */
  features(images: tf.Tensor4D): tf.Tensor2D {
    const channels = images.shape[3];
    if (channels !== this.config.inputChannels) {
      throw new Error(
        `ResNet: images of ${channels} channels arrived for a network of ${this.config.inputChannels}; ` +
          'convert them, or build the network with inputChannels of that number.',
      );
    }
    let x = tf.relu(this.stem.forward(images)); // [B, H, W, width], halved in the ImageNet family
    if (this.config.family === 'imagenet') x = maxPool2d(x, { size: 3, stride: 2, padding: 1 });
    for (const block of this.blocks) x = block.forward(x);
    return globalAveragePool2d(x); // [B, C]
  }

  /** Images [B, H, W, C], prepared as for training → logits [B, K] */
  forward(images: tf.Tensor4D): tf.Tensor2D {
    return this.head.forward(this.features(images)) as tf.Tensor2D;
  }

  /**
   * The most likely classes of one image.
   *
   * @param image pixels from 0 to 255, of any size: resized and normalised as {@link preprocessing} says
   * @returns the `top` (default 5) most likely classes, best first
   */
  async predict(image: Pixels, options: { top?: number } = {}): Promise<ClassProbability[]> {
    const { images, shape } = prepareImage('ResNet.predict', image, this.preprocessing);
    const input = tf.tensor4d(images, shape);
    const { classNames: names, preprocessing } = this;
    return classifyImage(this, input, { names, crop: preprocessing?.crop, ...options }).finally(() => input.dispose());
  }
}

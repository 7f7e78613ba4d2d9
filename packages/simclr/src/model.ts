/**
 * SimCLR. Chen et al. 2020, "A simple framework for contrastive learning of visual representations".
 * Idea: two random views of one image shall be alike, and unlike the views of all others; what an encoder must know for
 * that is what one wants to know of images.
 *
 *   cifar-18   ResNet-18, 3×3 stem → 11,168,832 weights; with its head 512-512-128      11,497,152
 *   cifar-50   ResNet-50, 3×3 stem → 23,500,352 weights; with its head 2048-512-128     24,615,616
 *   small      five convolutions   →    388,896 weights; with its head 128-128-128         421,920
 *
 * Figure 2 → SimCLR: h = f(x), z = g(h)     Section 4.2 → projectionHead()     Appendix B.9 → ResNetEncoder
 * Equation 1 → loss.ts      Section 2.2, appendix A → views.ts
 * Dimensions: B batch (2N views in training), H×W pixels, C channels.
 */
import { tf } from '@milestones/backend';
import { BatchNorm, Dense, globalAveragePool2d, loadOwnWeights, Module } from '@milestones/core';
import { NormedConvolution, ResNet, type ResidualBlock } from '@milestones/resnet';
import { modelConfig, type ModelConfig, type ModelOptions, type SimCLRSize } from './config.ts';
import { openPretrained, type PretrainedName } from './weights.ts';

/** f: from images to what they show. */
export type Encoder = Module & {
  /** How many numbers h has. */
  readonly features: number;
  /** Images [B, H, W, C] → h [B, features] */
  forward(images: tf.Tensor4D): tf.Tensor2D;
};

/** g: from h to the space of the loss. */
export type ProjectionHead = Module & { forward(h: tf.Tensor2D): tf.Tensor2D };

/** A few convolutions, each with batch norm and ReLU, and the mean over all places: an encoder for one core. */
export class SmallEncoder extends Module {
  readonly features: number;
  readonly layers: NormedConvolution[];

  /**
   * @param widths channels of each convolution
   * @param strides stride of each convolution
   * @param channels channels of an image
   */
  constructor(widths: readonly number[], strides: readonly number[], channels = 3) {
    super();
    this.layers = widths.map(
      (width, index) => new NormedConvolution(widths[index - 1] ?? channels, width, 3, strides[index] ?? 1),
    );
    this.features = widths.at(-1)!;
  }

  forward(images: tf.Tensor4D): tf.Tensor2D {
    let x = images;
    for (const layer of this.layers) x = tf.relu(layer.forward(x)); // [B, H / stride, W / stride, width]
    return globalAveragePool2d(x); // [B, features]
  }
}

/** A residual network up to where its classifier would begin; a 3×3 stem and no pooling after it (appendix B.9). */
export class ResNetEncoder extends Module {
  readonly features: number;
  readonly stem: NormedConvolution;
  readonly blocks: ResidualBlock[];
  readonly #net: ResNet;

  /** @param depth 18, 34 or 50 layers */
  constructor(depth: 18 | 34 | 50, channels = 3) {
    super();
    // Option B and the stride in the 3×3 layer: the networks of the published code.
    const net = new ResNet({
      family: 'imagenet-small',
      depth,
      shortcut: 'projection',
      bottleneckStride: 'middle',
      width: 64,
      inputChannels: channels,
    });
    this.stem = net.stem;
    this.blocks = net.blocks;
    this.features = net.head.inFeatures;
    this.#net = net; // Private: its classifier is never used, and must not count as a part of this module.
  }

  forward(images: tf.Tensor4D): tf.Tensor2D {
    return this.#net.features(images);
  }
}

/** No head: the loss sees h itself. */
export class IdentityHead extends Module {
  forward(h: tf.Tensor2D): tf.Tensor2D {
    return h;
  }
}

/** z = h W + b */
export class LinearHead extends Module {
  readonly output: Dense;

  constructor(features: number, output: number) {
    super();
    this.output = new Dense(features, output);
  }

  forward(h: tf.Tensor2D): tf.Tensor2D {
    return this.output.forward(h) as tf.Tensor2D;
  }
}

/** z = W₂ relu(W₁ h), with batch norm before the ReLU if wanted. */
export class MlpHead extends Module {
  readonly hidden: Dense;
  readonly norm: BatchNorm | undefined;
  readonly output: Dense;

  constructor(features: number, hidden: number, output: number, batchNorm: boolean) {
    super();
    this.hidden = new Dense(features, hidden, { bias: !batchNorm });
    this.norm = batchNorm ? new BatchNorm({ features: hidden }) : undefined;
    this.output = new Dense(hidden, output);
  }

  forward(h: tf.Tensor2D): tf.Tensor2D {
    const inner = this.hidden.forward(h) as tf.Tensor2D; // [B, hidden]
    return this.output.forward(tf.relu(this.norm === undefined ? inner : this.norm.forward(inner))) as tf.Tensor2D;
  }
}

/**
 * The three heads of figure 8. Without batch norm in the head, all z of an untrained network point nearly the same way (ReLU
 * and the mean over places leave nothing negative in h), so that its loss is ln(2N − 1) to a percent. With batch norm it
 * begins some percent lower: the two views of an image have alike colours. Heads that begin with small weights come closer
 * still, but then all z first spread along one line and learn little.
 */
function projectionHead({ head, hidden, output, batchNorm }: ModelConfig, features: number): ProjectionHead {
  if (head === 'none') return new IdentityHead();
  if (head === 'linear') return new LinearHead(features, output);
  return new MlpHead(features, hidden === 0 ? features : hidden, output, batchNorm);
}

/** Encoder and head. Only the encoder is kept for use: h is better than z by more than 10 points (section 4.2). */
export class SimCLR extends Module {
  readonly config: ModelConfig;
  readonly encoder: Encoder;
  readonly head: ProjectionHead;
  /** Height and width of the images that the network was trained on, where the weights came with it. */
  imageSize: number | undefined;

  /**
   * Declares a network; no weight is allocated before `initialize`, `loadStateDict` or {@link fromPretrained}.
   *
   * @param options a named size, or the architecture
   */
  constructor(options: ModelOptions | SimCLRSize = {}) {
    super();
    this.config = modelConfig(options);
    const { encoder, widths, strides, channels } = this.config;
    this.encoder =
      encoder === 'small'
        ? new SmallEncoder(widths, strides, channels)
        : new ResNetEncoder(encoder === 'resnet18' ? 18 : encoder === 'resnet34' ? 34 : 50, channels);
    this.head = projectionHead(this.config, this.encoder.features);
  }

  /**
   * A network with weights, in evaluation mode.
   *
   * @param source `cifar10-small`, which comes with this package, or what `savePretrained` wrote: a path (in Node) or a URL
   * @throws when a file is missing or damaged, or of another kind; the message names it and the remedy
   */
  static async fromPretrained(source: PretrainedName | (string & {}) | URL): Promise<SimCLR> {
    const folder = await openPretrained(source);
    const model = new SimCLR(folder.config.model);
    await loadOwnWeights(model, folder);
    model.imageSize = folder.config.imageSize;
    return model.eval();
  }

  /** What to use: images [B, H, W, C] with pixels from 0 to 1 → h [B, features] */
  represent(images: tf.Tensor4D): tf.Tensor2D {
    const channels = images.shape[3];
    if (channels !== this.config.channels) {
      throw new Error(
        `SimCLR: images of ${channels} channels arrived for a network of ${this.config.channels}; convert them, or build ` +
          'the network with channels of that number.',
      );
    }
    return this.encoder.forward(images);
  }

  /** What the loss sees: images [B, H, W, C] with pixels from 0 to 1 → z [B, output], or h where there is no head */
  forward(images: tf.Tensor4D): tf.Tensor2D {
    return this.head.forward(this.represent(images));
  }
}

/**
 * The companion network of the paper for CIFAR-10: the "18 %" net of the authors' program cuda-convnet, which its figure 1
 * and its remarks on CIFAR-10 (sections 3.1, 3.3) go back to. Three convolutions and a dense layer, 89,578 weights.
 *
 *   [B, 32, 32, 3] → conv 5×5×32 → max-pool → relu → norm → conv 5×5×32 → relu → average-pool → norm
 *                  → conv 5×5×64 → relu → average-pool → [B, 4, 4, 64] → 10
 */
import { tf } from '@milestones/backend';
import {
  averagePool2d,
  classifyImage,
  completeConfig,
  Convolution2D,
  Dense,
  loadOwnWeights,
  localResponseNormalization,
  maxPool2d,
  Module,
  normal,
  zeros,
  type ClassProbability,
  type Initializer,
} from '@milestones/core';
import { prepareImage, type Pixels, type Preprocessing } from '@milestones/datasets';
import { cifarNetConfigSchema, type CifarNetConfig, type CifarNetOptions } from './config.ts';
import { openPretrained, type PretrainedName } from './weights.ts';

/** Windows of 3 every 2 pixels; the last one may reach over the edge, so that 32 → 16 → 8 → 4. */
const overlapping = { size: 3, stride: 2, ceil: true } as const;

/** See the file's head. */
export class CifarNet extends Module {
  readonly config: CifarNetConfig;
  readonly convolutions: [Convolution2D, Convolution2D, Convolution2D];
  readonly head: Dense;
  /** K, number of classes. */
  readonly classes: number;
  /** What the classes are called, where the weights came with names. */
  classNames: readonly string[] | undefined;
  /** How pixels become the network's input, where the weights came with it. */
  preprocessing: Preprocessing | undefined;

  /** Declares a network; no weight is allocated before `initialize`, `loadStateDict` or {@link fromPretrained}. */
  constructor(options: CifarNetOptions = {}) {
    super();
    this.config = completeConfig('CifarNet', cifarNetConfigSchema, options);
    const { inputChannels, classes, initialization } = this.config;
    this.classes = classes;
    const weights = (
      companion: number,
      fan: number,
    ): { weightInitializer: Initializer; biasInitializer: Initializer } => ({
      weightInitializer: normal(initialization === 'companion' ? companion : 1 / Math.sqrt(fan)),
      biasInitializer: zeros(),
    });
    const layer = (from: number, to: number, companion: number): Convolution2D =>
      new Convolution2D({
        inputChannels: from,
        outputChannels: to,
        size: 5,
        padding: 2,
        ...weights(companion, 25 * from),
      });
    this.convolutions = [layer(inputChannels, 32, 1e-4), layer(32, 32, 0.01), layer(32, 64, 0.01)];
    this.head = new Dense(4 * 4 * 64, classes, weights(0.01, 1024));
  }

  /**
   * A network with weights, class names and preprocessing, in evaluation mode.
   *
   * @param source the name of weights that come with this package, or a folder that `savePretrained` wrote: a path (in
   * Node) or a URL
   */
  static async fromPretrained(source: PretrainedName | (string & {}) | URL): Promise<CifarNet> {
    const folder = await openPretrained(source);
    const { model: config, classNames, preprocessing } = folder.config;
    const model = new CifarNet(config);
    await loadOwnWeights(model, folder);
    model.classNames = classNames;
    model.preprocessing = preprocessing;
    return model.eval();
  }

  /** Images [B, 32, 32, C], the mean subtracted → logits [B, K] */
  forward(images: tf.Tensor4D): tf.Tensor2D {
    const [B, height, width] = images.shape;
    if (height !== 32 || width !== 32) {
      throw new Error(`CifarNet: images of ${height}×${width} pixels arrived; the network takes 32×32: resize them.`);
    }
    const activate = this.config.activation === 'relu' ? tf.relu : tf.tanh;
    const [first, second, third] = this.convolutions;
    let x = activate(maxPool2d(first.forward(images), overlapping)) as tf.Tensor4D; // [B, 16, 16, 32]
    x = averagePool2d(activate(second.forward(this.#normalize(x))) as tf.Tensor4D, overlapping); // [B, 8, 8, 32]
    x = averagePool2d(activate(third.forward(this.#normalize(x))) as tf.Tensor4D, overlapping); // [B, 4, 4, 64]
    return this.head.forward(tf.reshape(x, [B, -1])) as tf.Tensor2D;
  }

  /** The constants of the net's layer files: n = 3, α = 5e-5 divided by n, β = 0.75, k = 1. */
  #normalize(x: tf.Tensor4D): tf.Tensor4D {
    if (!this.config.responseNormalization) return x;
    return localResponseNormalization(x, { size: 3, alpha: 5e-5, beta: 0.75, bias: 1, divideBySize: true });
  }

  /**
   * The most likely classes of one image.
   *
   * @param image pixels from 0 to 255, of any size
   * @returns the `top` (default 5) most likely classes, best first
   */
  async predict(image: Pixels, options: { top?: number } = {}): Promise<ClassProbability[]> {
    const { images, shape } = prepareImage('CifarNet.predict', image, this.preprocessing);
    const input = tf.tensor4d(images, shape);
    const { classNames: names, preprocessing } = this;
    return classifyImage(this, input, { names, crop: preprocessing?.crop, ...options }).finally(() => input.dispose());
  }
}

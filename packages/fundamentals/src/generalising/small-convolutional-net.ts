/**
 * A small convolutional net whose lower layers can be taken over from another task.
 * Dimensions: B batch, H×W pixels, C channels, K classes.
 */
import { tf } from '@milestones/backend';
import { Convolution2D, Dense, heNormal, Module, zeros } from '@milestones/core';
import type { ImageDataset } from '@milestones/datasets';

/** How a {@link SmallConvolutionalNet} is built. */
export interface SmallConvolutionalNetOptions {
  /** Filters of the first convolution; the second has twice as many. */
  filters: number;
  /** ReLUs behind them. */
  hidden: number;
  /** Whether only the last layer is trained. Default false. */
  frozen?: boolean;
}

/** Two convolutions 5×5 of stride 2 and a hidden layer: what is taken over. Then the last layer, which is not. */
export class SmallConvolutionalNet extends Module {
  readonly first: Convolution2D;
  readonly second: Convolution2D;
  readonly hidden: Dense;
  readonly output: Dense;
  readonly #shape: readonly [number, number, number];
  readonly #frozen: boolean;

  constructor(images: ImageDataset, { filters, hidden, frozen = false }: SmallConvolutionalNetOptions) {
    super();
    const { height, width, channels } = images;
    this.#shape = [height, width, channels];
    this.#frozen = frozen;
    const start = { weightInitializer: heNormal(), biasInitializer: zeros() };
    const convolution = { size: 5, stride: 2, padding: 'same', ...start } as const;
    this.first = new Convolution2D({ inputChannels: channels, outputChannels: filters, ...convolution });
    this.second = new Convolution2D({ inputChannels: filters, outputChannels: 2 * filters, ...convolution });
    const left = (pixels: number): number => Math.ceil(Math.ceil(pixels / 2) / 2);
    this.hidden = new Dense(left(height) * left(width) * 2 * filters, hidden, start);
    this.output = new Dense(hidden, images.classNames.length, start);
  }

  /** Only the last layer's, where the others are frozen. */
  override trainableParameters(): ReturnType<Module['trainableParameters']> {
    const all = super.trainableParameters();
    return this.#frozen ? new Map([...all].filter(([name]) => name.startsWith('output.'))) : all;
  }

  /** [B, H · W · C] → [B, K] */
  forward(x: tf.Tensor): tf.Tensor {
    const images = tf.reshape(x, [x.shape[0]!, ...this.#shape]) as tf.Tensor4D; // [B, H, W, C]
    const strokes = tf.relu(this.first.forward(images)); // [B, H/2, W/2, filters]
    const parts = tf.relu(this.second.forward(strokes as tf.Tensor4D)); // [B, H/4, W/4, 2 · filters]
    const flat = tf.reshape(parts, [x.shape[0]!, this.hidden.inFeatures]);
    return this.output.forward(tf.relu(this.hidden.forward(flat)));
  }
}

/**
 * Q-networks: from a state to the value of each action. Mnih et al. 2013, section 4.1; 2015, methods, "model architecture".
 * Idea: one forward pass values every action, so that the best is found with one look.
 *
 *   kind       states          layers                                                          weights
 *   atari2013  84×84×4         conv 16 8×8/4, conv 32 4×4/2, dense 256                 677,686 with 6 actions
 *   atari2015  84×84×4         conv 32 8×8/4, conv 64 4×4/2, conv 64 3×3/1, dense 512  1,687,206 with 6 actions
 *   grid       10×10×planes    conv 16 3×3/1, dense 128                                132,566 with 4 planes, 6 actions
 *   mlp        features        dense 120, dense 84                                     10,934 with 4 features, 2 actions
 *
 * No padding; a ReLU after every layer but the last. Dimensions: B batch, H×W pixels, C channels, A actions.
 */
import { tf } from '@milestones/backend';
import { Convolution2D, Dense, Module } from '@milestones/core';
import type { NetworkConfig } from './config.ts';

/** Filters, size and stride of the convolutions, and units of the dense layers. */
interface Layout {
  convolutions: readonly (readonly [filters: number, size: number, stride: number])[];
  hidden: readonly number[];
  /** What states are multiplied with: pixels come as bytes. */
  scale: number;
}

const layouts: Record<Exclude<NetworkConfig['kind'], 'mlp'>, Layout> = {
  atari2013: {
    convolutions: [
      [16, 8, 4],
      [32, 4, 2],
    ],
    hidden: [256],
    scale: 1 / 255,
  },
  atari2015: {
    convolutions: [
      [32, 8, 4],
      [64, 4, 2],
      [64, 3, 1],
    ],
    hidden: [512],
    scale: 1 / 255,
  },
  grid: { convolutions: [[16, 3, 1]], hidden: [128], scale: 1 },
};

/** See the file's head. */
export class QNetwork extends Module {
  readonly config: NetworkConfig;
  /** Shape of a state, without the batch. */
  readonly stateShape: readonly number[];
  /** A, number of actions. */
  readonly actions: number;
  /** What states are multiplied with before the first layer. */
  readonly scale: number;
  readonly convolutions: Convolution2D[];
  readonly hidden: Dense[];
  readonly output: Dense;

  /** Declares a network for states of a shape; no weight is allocated before `initialize` or `loadStateDict`. */
  constructor(stateShape: readonly number[], actions: number, config: NetworkConfig) {
    super();
    this.config = config;
    this.stateShape = stateShape;
    this.actions = actions;
    const layout = config.kind === 'mlp' ? { convolutions: [], hidden: config.hidden, scale: 1 } : layouts[config.kind];
    this.scale = layout.scale;
    if (stateShape.length !== (config.kind === 'mlp' ? 1 : 3)) {
      throw new Error(
        `QNetwork: states of shape [${stateShape.join(', ')}] do not fit a network of kind ${config.kind}; for measured ` +
          'values choose mlp, for grids grid, for pictures one of the atari kinds.',
      );
    }
    let [height = 1, width = 1, channels = stateShape[0]!] = config.kind === 'mlp' ? [] : stateShape;
    this.convolutions = layout.convolutions.map(([filters, size, stride]) => {
      const convolution = new Convolution2D({ inputChannels: channels, outputChannels: filters, size, stride });
      height = Math.floor((height - size) / stride) + 1;
      width = Math.floor((width - size) / stride) + 1;
      channels = filters;
      return convolution;
    });
    if (height < 1 || width < 1) {
      throw new Error(
        `QNetwork: states of shape [${stateShape.join(', ')}] are too small for the convolutions of ${config.kind}; ` +
          'choose grid for games of 10×10 cells.',
      );
    }
    let features = height * width * channels;
    this.hidden = layout.hidden.map((units) => {
      const dense = new Dense(features, units);
      features = units;
      return dense;
    });
    this.output = new Dense(features, actions);
  }

  /** States [B, …shape of a state] → values [B, A] */
  forward(states: tf.Tensor): tf.Tensor2D {
    let x = this.scale === 1 ? states : tf.mul(states, this.scale);
    for (const convolution of this.convolutions) x = tf.relu(convolution.forward(x as tf.Tensor4D)); // [B, H′, W′, C′]
    x = tf.reshape(x, [states.shape[0]!, -1]); // [B, H′ · W′ · C′]
    for (const dense of this.hidden) x = tf.relu(dense.forward(x));
    return this.output.forward(x) as tf.Tensor2D; // [B, A]
  }
}

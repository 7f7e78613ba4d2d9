/** Parts that several workloads share and core does not have (yet). */
import { core, tf } from '../packages.mjs';

/** Dense layers with an activation between them. */
export class Layers extends core.Module {
  /**
   * @param {number[]} widths features in, of each hidden layer, and out
   * @param {(x: tf.Tensor) => tf.Tensor} activation
   */
  constructor(widths, activation) {
    super();
    this.layers = widths
      .slice(1)
      .map((width, index) => new core.Dense(widths[index], width, { weightInitializer: core.heNormal() }));
    this.between = activation;
  }

  /** x [B, in] → [B, out] */
  forward(x) {
    return this.layers.reduce((h, layer, index) => layer.forward(index === 0 ? h : this.between(h)), x);
  }
}

/** A convolution of images [B, H, W, C]; weight [height, width, in, out]. */
export class Convolution extends core.Module {
  constructor(size, channelsIn, channelsOut, { stride = 1, bias = false } = {}) {
    super();
    this.weight = new core.Parameter([size, size, channelsIn, channelsOut], core.heNormal());
    this.bias = bias ? new core.Parameter([channelsOut], core.zeros()) : undefined;
    this.stride = stride;
    const border = [(size - 1) / 2, (size - 1) / 2];
    this.pad = [[0, 0], border, border, [0, 0]]; // The same on both sides, as PyTorch pads; 'same' would not at stride 2.
  }

  forward(x) {
    const y = tf.conv2d(x, this.weight.value, this.stride, this.pad);
    return this.bias === undefined ? y : tf.add(y, this.bias.value);
  }
}

/** Batch normalisation of images in training mode, with running statistics. */
export class BatchNorm extends core.Module {
  constructor(channels) {
    super();
    this.weight = new core.Parameter([channels], core.ones());
    this.bias = new core.Parameter([channels], core.zeros());
    this.runningMean = new core.Parameter([channels], core.zeros(), { trainable: false });
    this.runningVariance = new core.Parameter([channels], core.ones(), { trainable: false });
  }

  forward(x) {
    return core.batchNorm(x, this.weight.value, this.bias.value, {
      observe: ({ mean, variance }) => {
        for (const [running, now] of [
          [this.runningMean, mean],
          [this.runningVariance, variance],
        ]) {
          running.value.assign(tf.add(tf.mul(running.value, 0.9), tf.mul(now, 0.1)));
        }
      },
    });
  }
}

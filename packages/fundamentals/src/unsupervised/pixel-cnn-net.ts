/** The net of PixelCNN, and the test of its masks. van den Oord et al. 2016, section 3.4 and table 1. */
import { tf } from '@milestones/backend';
import { binaryCrossEntropyLoss, Convolution2D, MaskedConvolution2D, Module } from '@milestones/core';

/** x + 1×1 → 3×3 (mask B) → 1×1, figure 5 on the left: 2 h → h → h → 2 h channels. */
class ResidualBlock extends Module {
  readonly narrow: Convolution2D;
  readonly masked: MaskedConvolution2D;
  readonly widen: Convolution2D;

  constructor(half: number) {
    super();
    this.narrow = new Convolution2D({ inputChannels: 2 * half, outputChannels: half, size: 1 });
    this.masked = new MaskedConvolution2D({ inputChannels: half, outputChannels: half, size: 3, mask: 'B' });
    this.widen = new Convolution2D({ inputChannels: half, outputChannels: 2 * half, size: 1 });
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const narrow = this.narrow.forward(tf.relu(x)); // [B, H, W, h]
    return tf.add(x, this.widen.forward(tf.relu(this.masked.forward(tf.relu(narrow)))));
  }
}

/** 7×7 (mask A) → blocks → 1×1 → 1×1; table 1. */
export class PixelCnn extends Module {
  readonly first: MaskedConvolution2D;
  readonly blocks: ResidualBlock[];
  readonly hidden: Convolution2D;
  readonly output: Convolution2D;

  constructor({ half, blocks }: { half: number; blocks: number }) {
    super();
    const channels = 2 * half;
    this.first = new MaskedConvolution2D({ inputChannels: 1, outputChannels: channels, size: 7, mask: 'A' });
    this.blocks = Array.from({ length: blocks }, () => new ResidualBlock(half));
    this.hidden = new Convolution2D({ inputChannels: channels, outputChannels: channels, size: 1 });
    this.output = new Convolution2D({ inputChannels: channels, outputChannels: 1, size: 1 });
  }

  /** Images of 0 and 1, [B, H, W, 1] → logits of each pixel, the same shape. */
  forward(images: tf.Tensor4D): tf.Tensor4D {
    let x = this.first.forward(tf.sub(tf.mul(images, 2), 1)); // [B, H, W, 2 h]
    for (const block of this.blocks) x = block.forward(x);
    return this.output.forward(tf.relu(this.hidden.forward(tf.relu(x))));
  }

  /** − ln p, nats per image. */
  loss(images: tf.Tensor4D): tf.Tensor {
    return tf.div(binaryCrossEntropyLoss(this.forward(images), images, { reduction: 'sum' }), images.shape[0]);
  }
}

/** The largest slope of an output by its own or a later pixel, which must be 0, and by an earlier one. */
export function gradientReach(model: PixelCnn, image: tf.Tensor4D): { leak: number; reach: number } {
  const pixels = image.size;
  const found = { leak: 0, reach: 0 };
  for (const pixel of [0, 1, Math.floor(pixels / 2), pixels - 1]) {
    const slope = tf.tidy(() => {
      const at = (x: tf.Tensor): tf.Tensor => tf.slice(tf.reshape(model.forward(x as tf.Tensor4D), [-1]), pixel, 1);
      return tf.grad(at)(image).dataSync();
    });
    slope.forEach((value, by) => {
      const kind = by >= pixel ? 'leak' : 'reach';
      found[kind] = Math.max(found[kind], Math.abs(value));
    });
  }
  return found;
}

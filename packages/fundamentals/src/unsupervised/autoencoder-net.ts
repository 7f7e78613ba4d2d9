/** A deep autoencoder. Hinton and Salakhutdinov 2006, figure 1. Dimensions: B batch, P pixels. */
import { tf } from '@milestones/backend';
import { Dense, heNormal, Module, zeros } from '@milestones/core';

/** P → hidden → code → hidden mirrored → P; ReLU between, a linear code, a sigmoid at the end. */
export class Autoencoder extends Module {
  readonly encoder: Dense[];
  readonly decoder: Dense[];

  constructor(pixels: number, { hidden, code }: { hidden: readonly number[]; code: number }) {
    super();
    const chain = (sizes: number[]): Dense[] =>
      sizes.slice(1).map((size, index) => {
        return new Dense(sizes[index]!, size, { weightInitializer: heNormal(), biasInitializer: zeros() });
      });
    this.encoder = chain([pixels, ...hidden, code]);
    this.decoder = chain([code, ...hidden.toReversed(), pixels]);
  }

  /** [B, P] → [B, code] */
  encode(x: tf.Tensor): tf.Tensor {
    return through(this.encoder, x);
  }

  /** [B, P] → [B, P] */
  forward(x: tf.Tensor): tf.Tensor {
    return tf.sigmoid(through(this.decoder, this.encode(x)));
  }
}

function through(layers: readonly Dense[], x: tf.Tensor): tf.Tensor {
  return layers.reduce((activity, layer, index) => layer.forward(index === 0 ? activity : tf.relu(activity)), x);
}

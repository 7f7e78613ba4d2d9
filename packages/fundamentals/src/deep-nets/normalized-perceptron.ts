/**
 * A deep classifier with sigmoid units and a choice of normalisation, for the experiments on normalisation.
 * Dimensions: B batch, P pixels, H hidden, K classes.
 */
import { tf } from '@milestones/backend';
import { BatchNorm, Dense, LayerNorm, Module, normal, WeightNormDense, zeros } from '@milestones/core';
import { evaluationBatches, type ImageDataset } from '@milestones/datasets';

/** What stands between a layer's products and its sigmoids. */
export type Normalization = 'none' | 'batch' | 'layer' | 'weight';

/** P → H → H → H → K, each hidden layer h′ = sigmoid(normalised(h W) …). */
export class NormalizedPerceptron extends Module {
  readonly layers: (Dense | WeightNormDense)[];
  readonly norms: (BatchNorm | LayerNorm)[];
  readonly output: Dense;

  /**
   * @param sizes P, H, …, K
   * @param deviation of the Gaussian that the weights begin from
   */
  constructor(sizes: readonly number[], normalization: Normalization, deviation: number) {
    super();
    const start = { weightInitializer: normal(deviation), biasInitializer: zeros() };
    const hidden = sizes.slice(1, -1);
    this.layers = hidden.map((size, index) => {
      const before = sizes[index]!;
      if (normalization === 'weight') return new WeightNormDense(before, size);
      // A mean is removed right behind these products: a bias would be lost in it.
      return new Dense(before, size, { ...start, bias: normalization === 'none' });
    });
    this.norms = hidden.flatMap((features): (BatchNorm | LayerNorm)[] => {
      if (normalization === 'batch') return [new BatchNorm({ features })];
      return normalization === 'layer' ? [new LayerNorm(features)] : [];
    });
    this.output = new Dense(sizes.at(-2)!, sizes.at(-1)!, start);
  }

  /** [B, P] → [B, K] */
  forward(x: tf.Tensor): tf.Tensor {
    let h = x;
    for (const [index, layer] of this.layers.entries()) {
      const z = layer.forward(h); // [B, H]
      h = tf.sigmoid(this.norms[index]?.forward(z) ?? z);
    }
    return this.output.forward(h);
  }

  /** With weight norm: lengths and biases from the first `count` images (Salimans and Kingma 2016, section 3). */
  initializeByData(images: ImageDataset, count: number): void {
    const batch = evaluationBatches(images, count).next().value!;
    tf.tidy(() => {
      const pixels = batch.images.length / batch.shape[0];
      let h: tf.Tensor = tf.tensor2d(batch.images, [batch.shape[0], pixels]);
      for (const layer of this.layers) {
        if (layer instanceof WeightNormDense) layer.initializeByData(h);
        h = tf.sigmoid(layer.forward(h));
      }
    });
  }
}

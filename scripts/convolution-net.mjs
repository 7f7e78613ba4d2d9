/** A small convolutional net for checks: 12 × 12 images with 3 channels, 5 classes. */
import { core, tf } from '../benchmarks/packages.mjs';

export class ConvolutionNet extends core.Module {
  first = new core.Convolution2D({ inputChannels: 3, outputChannels: 8, size: 3, padding: 1 });
  norm = new core.BatchNorm({ features: 8 });
  second = new core.Convolution2D({ inputChannels: 8, outputChannels: 16, size: 3, stride: 2, padding: 1 });
  head = new core.Dense(16, 5);

  forward(images) {
    const features = tf.relu(this.norm.forward(this.first.forward(images))); // [B, 12, 12, 8]
    const pooled = tf.maxPool(features, 3, 2, 'same'); // [B, 6, 6, 8]
    const deeper = tf.relu(this.second.forward(pooled)); // [B, 3, 3, 16]
    return this.head.forward(tf.mean(deeper, [1, 2])); // [B, 5]
  }
}

/** AlexNet's five convolutions and three dense layers, for 32 × 32 images; SGD with momentum. */
import { core, tf } from '../packages.mjs';
import { Layers } from './layers.mjs';
import { countParameters, integers, normals, trainingStep } from './workload.mjs';

export const batchSize = 128;

/** Its weights are declared, not yet drawn. */
export class AlexNet extends core.Module {
  convolutions = [
    [3, 3, 64],
    [5, 64, 192],
    [3, 192, 384],
    [3, 384, 256],
    [3, 256, 256],
  ].map(
    ([size, inputChannels, outputChannels]) =>
      new core.Convolution2D({ inputChannels, outputChannels, size, padding: (size - 1) / 2 }),
  );
  dense = new Layers([256 * 3 * 3, 1024, 1024, 10], core.relu);

  /** x [B, 32, 32, 3] → logits [B, 10] */
  forward(x) {
    const features = this.convolutions.reduce((h, convolution, index) => {
      const y = tf.relu(convolution.forward(h));
      return [0, 1, 4].includes(index) ? core.maxPool2d(y, { size: 3, stride: 2 }) : y; // 32 → 15 → 7 → 3
    }, x);
    return this.dense.forward(tf.reshape(features, [x.shape[0], -1]));
  }
}

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 0.001 } = {}) {
  const model = new AlexNet().initialize(1);
  const optimizer = new core.SGD({ momentum: 0.9, weightDecay: 5e-4 });
  return {
    parameters: countParameters(model),
    step: trainingStep(model, optimizer, learningRate, (x, labels) => core.crossEntropyLoss(model.forward(x), labels)),
    batch: (random) => [normals(random, [batch, 32, 32, 3]), integers(random, [batch], 10)],
  };
}

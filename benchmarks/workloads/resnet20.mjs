/** ResNet-20 on 32 × 32 images (He et al. 2015, section 4.2) with projection shortcuts; SGD with momentum. */
import { core, tf } from '../packages.mjs';
import { countParameters, integers, normals, trainingStep } from './workload.mjs';

export const batchSize = 128;

const convolution = (size, inputChannels, outputChannels, stride = 1) =>
  new core.Convolution2D({ inputChannels, outputChannels, size, stride, padding: (size - 1) / 2, bias: false });
const norm = (features) => new core.BatchNorm({ features });

class Block extends core.Module {
  constructor(channelsIn, channelsOut, stride) {
    super();
    this.first = convolution(3, channelsIn, channelsOut, stride);
    this.firstNorm = norm(channelsOut);
    this.second = convolution(3, channelsOut, channelsOut);
    this.secondNorm = norm(channelsOut);
    if (stride !== 1) {
      this.shortcut = convolution(1, channelsIn, channelsOut, stride);
      this.shortcutNorm = norm(channelsOut);
    }
  }

  forward(x) {
    const inner = tf.relu(this.firstNorm.forward(this.first.forward(x)));
    const correction = this.secondNorm.forward(this.second.forward(inner));
    const kept = this.shortcut === undefined ? x : this.shortcutNorm.forward(this.shortcut.forward(x));
    return tf.relu(tf.add(correction, kept));
  }
}

/** Its weights are declared, not yet drawn. */
export class ResNet20 extends core.Module {
  stem = convolution(3, 3, 16);
  stemNorm = norm(16);
  blocks = [
    [16, 16, 1],
    [16, 16, 1],
    [16, 16, 1],
    [16, 32, 2],
    [32, 32, 1],
    [32, 32, 1],
    [32, 64, 2],
    [64, 64, 1],
    [64, 64, 1],
  ].map(([channelsIn, channelsOut, stride]) => new Block(channelsIn, channelsOut, stride));
  head = new core.Dense(64, 10);

  /** x [B, 32, 32, 3] → logits [B, 10] */
  forward(x) {
    const features = this.blocks.reduce(
      (h, block) => block.forward(h),
      tf.relu(this.stemNorm.forward(this.stem.forward(x))),
    ); // [B, 8, 8, 64]
    return this.head.forward(core.globalAveragePool2d(features));
  }
}

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 0.1 } = {}) {
  const model = new ResNet20().initialize(1);
  const optimizer = new core.SGD({ momentum: 0.9, weightDecay: 1e-4 });
  return {
    parameters: countParameters(model),
    step: trainingStep(model, optimizer, learningRate, (x, labels) => core.crossEntropyLoss(model.forward(x), labels)),
    batch: (random) => [normals(random, [batch, 32, 32, 3]), integers(random, [batch], 10)],
  };
}

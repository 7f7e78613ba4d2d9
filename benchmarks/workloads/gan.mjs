/** A generative adversarial network of dense layers on 28 × 28 images: two updates a step; Adam with β₁ = 0.5. */
import { core, tf } from '../packages.mjs';
import { Layers } from './layers.mjs';
import { countParameters, normals, uniforms } from './workload.mjs';

export const batchSize = 100;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 2e-4 } = {}) {
  const leaky = (x) => core.leakyRelu(x, 0.2);
  const generator = new Layers([100, 256, 512, 784], leaky).initialize(1);
  const discriminator = new Layers([784, 512, 256, 1], leaky).initialize(2);
  const [ofGenerator, ofDiscriminator] = [generator, discriminator].map((model) => model.trainableParameters());
  const [generatorAdam, discriminatorAdam] = [ofGenerator, ofDiscriminator].map((parameters) =>
    new core.Adam({ beta1: 0.5 }).initialize(parameters),
  );
  const images = (noise) => core.tanh(generator.forward(noise));
  const judge = (x, real) => {
    const logits = discriminator.forward(x); // [B, 1]
    return core.binaryCrossEntropyLoss(logits, tf.fill(logits.shape, real ? 1 : 0));
  };
  return {
    parameters: countParameters(generator, discriminator),
    step: (real, firstNoise, secondNoise) => {
      const judged = core.valueAndGradients(
        () => tf.add(judge(real, true), judge(images(firstNoise), false)),
        ofDiscriminator,
      );
      discriminatorAdam.update(ofDiscriminator, judged.gradients, learningRate);
      const fooled = core.valueAndGradients(() => judge(images(secondNoise), true), ofGenerator);
      generatorAdam.update(ofGenerator, fooled.gradients, learningRate);
      return { loss: judged.value, generatorLoss: fooled.value };
    },
    batch: (random) => [
      uniforms(random, [batch, 784], -1, 1),
      normals(random, [batch, 100]),
      normals(random, [batch, 100]),
    ],
  };
}

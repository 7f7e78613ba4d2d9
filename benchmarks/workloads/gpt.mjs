/** nanoGPT's configuration for a CPU: 4 layers, 4 heads, 128 features, 64 characters, here with biases; AdamW. */
import { core, gptMini } from '../packages.mjs';
import { countParameters, integers, trainingStep } from './workload.mjs';

export const batchSize = 12;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 1e-3 } = {}) {
  const model = new gptMini.Gpt({ ...gptMini.sizes['nano-cpu'], bias: true, attentionBias: true }).initialize(1);
  model.train();
  const optimizer = new core.AdamW({ beta2: 0.99, weightDecay: 0.1 });
  const { contextLength, vocabularySize } = model.config;
  const shape = [batch, contextLength];
  return {
    parameters: countParameters(model),
    step: trainingStep(model, optimizer, learningRate, (tokens, targets) =>
      gptMini.languageModelLoss(model, tokens, targets),
    ),
    batch: (random) => [integers(random, shape, vocabularySize), integers(random, shape, vocabularySize)],
  };
}

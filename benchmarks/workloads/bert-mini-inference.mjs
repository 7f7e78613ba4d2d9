/** BERT-mini with a classifier of two classes in evaluation mode: 16 sequences of 128 tokens. Its "loss" is the mean logit. */
import { bertMini, tf } from '../packages.mjs';
import { LENGTH } from './bert-mini.mjs';
import { countParameters, integers } from './workload.mjs';

export const batchSize = 16;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize } = {}) {
  const model = new bertMini.BertClassifier('mini', ['no', 'yes']).initialize(1).eval();
  return {
    parameters: countParameters(model),
    step: (tokens) => ({ loss: tf.mean(model.forward({ tokens })) }),
    batch: (random) => [integers(random, [batch, LENGTH], model.config.vocabularySize)],
  };
}

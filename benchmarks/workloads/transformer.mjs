/** The Transformer of the preset `laptop`: 3 + 3 layers, 256 features, 20 words either side, no dropout; Adam. */
import { core, transformer } from '../packages.mjs';
import { countParameters, integers, trainingStep } from './workload.mjs';

export const batchSize = 64;
export const TIME = 20;

/** @returns {import('../packages.mjs').transformer.Transformer} */
export function createModel() {
  const dropouts = { dropout: 0, attentionDropout: 0, activationDropout: 0 };
  return new transformer.Transformer({ ...transformer.sizes.multi30k, ...dropouts }).initialize(1);
}

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 5e-4 } = {}) {
  const model = createModel();
  const { sourceVocabulary, targetVocabulary } = model.config;
  return {
    parameters: countParameters(model),
    step: trainingStep(model, new core.Adam(), learningRate, (source, lengths, target) =>
      transformer.translationLoss(model, source, lengths, target),
    ),
    batch: (random) => [
      integers(random, [batch, TIME], sourceVocabulary),
      { shape: [batch], dtype: 'int32', data: new Int32Array(batch).fill(TIME) },
      integers(random, [batch, TIME + 1], targetVocabulary),
    ],
  };
}

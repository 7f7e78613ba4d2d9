/**
 * A pre-training step of BERT-mini (Turc et al. 2019: 4 layers, 256 features, 4 heads, 30,522 tokens): 16 sequences of 128
 * tokens, 19 of them to be guessed, next sentences too, with dropout, clipping and the released optimizer.
 */
import { bertMini, core } from '../packages.mjs';
import { countParameters, integers } from './workload.mjs';

export const batchSize = 16;
/** Tokens of a sequence. */
export const LENGTH = 128;
/** Guessed tokens of a sequence: 15 %. */
const HIDDEN = 19;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 1e-4 } = {}) {
  const model = new bertMini.BertForPretraining('mini').initialize(1);
  model.train();
  const config = core.completeConfig('bert-mini', bertMini.pretrainingSchema, {
    batchSize: batch,
    length: LENGTH,
    nextSentence: true,
  });
  const { vocabularySize } = model.config;
  return {
    parameters: countParameters(model),
    step: bertMini.pretrainingStep(model, bertMini.createOptimizer(model, config), config),
    batch: (random) => {
      const places = Int32Array.from({ length: batch * HIDDEN }, (_, index) => {
        const row = Math.floor(index / HIDDEN);
        return row * LENGTH + 1 + random.integer(LENGTH - 2);
      });
      return [
        integers(random, [batch, LENGTH], vocabularySize),
        integers(random, [batch, LENGTH], 2),
        { shape: [batch * HIDDEN], dtype: 'int32', data: places },
        integers(random, [batch * HIDDEN], vocabularySize),
        integers(random, [batch], 2),
        { shape: [], dtype: 'float32', data: Float32Array.of(learningRate) },
        integers(random, [2], 2 ** 31 - 1),
      ];
    },
  };
}

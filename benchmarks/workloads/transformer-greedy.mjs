/**
 * The same Transformer translates: 64 sentences of 20 words, 20 words written for each, greedily. One "step" is all of
 * it: 1,280 words.
 */
import { tf, transformer } from '../packages.mjs';
import { createModel, TIME } from './transformer.mjs';
import { countParameters, integers } from './workload.mjs';

export const batchSize = 64;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize } = {}) {
  const model = createModel().eval();
  const { sourceVocabulary, targetVocabulary } = model.config;
  const decoder = new transformer.IncrementalDecoder(model, batch, 1);
  const origins = Int32Array.from({ length: batch }, (_, row) => row);
  return {
    parameters: countParameters(model),
    run: async (sources) => {
      await decoder.start(await sources.array());
      const tokens = new Int32Array(batch).fill(2);
      let sum = 0;
      for (let position = 0; position < TIME; position++) {
        const scores = await decoder.step(tokens, origins);
        for (let row = 0; row < batch; row++) {
          const own = scores.subarray(row * targetVocabulary, (row + 1) * targetVocabulary);
          let best = 0;
          for (let token = 1; token < own.length; token++) if (own[token] > own[best]) best = token;
          tokens[row] = best;
          sum += own[best];
        }
      }
      return { loss: tf.scalar(-sum / (batch * TIME)) };
    },
    batch: (random) => {
      return [integers(random, [batch, TIME], sourceVocabulary)];
    },
  };
}

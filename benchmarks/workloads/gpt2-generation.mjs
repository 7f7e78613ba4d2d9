/**
 * GPT-2 124M with random weights continues one text by the package's own generator: a prompt of 32 tokens, then 32 tokens,
 * the likeliest each time. One "step" is all of it. The "loss" is the mean token, over the vocabulary's size.
 */
import { gptMini, tf } from '../packages.mjs';
import { countParameters, integers } from './workload.mjs';

export const batchSize = 1;
const PROMPT = 32;
const WRITTEN = 32;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create() {
  const model = new gptMini.Gpt('gpt2').initialize(1).eval();
  const { vocabularySize } = model.config;
  const decoder = new gptMini.GptDecoder(model);
  return {
    parameters: countParameters(model),
    run: async (prompt) => {
      const options = { tokens: WRITTEN, temperature: 0, decoder };
      let sum = 0;
      for await (const token of gptMini.generateTokens(model, await prompt.data(), options)) sum += token;
      return { loss: tf.scalar(sum / (WRITTEN * vocabularySize)) };
    },
    batch: (random) => [integers(random, [PROMPT], vocabularySize)],
  };
}

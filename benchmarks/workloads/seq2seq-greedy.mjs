/**
 * Greedy translation with the network of the workload seq2seq, by the package's own decoder: 64 sentences of 20 words, 20
 * words of translation each. The end token is made impossible, so that no sentence ends early. The loss is −ln p of a word.
 */
import { seq2seq, tf } from '../packages.mjs';
import { countParameters, integers } from './workload.mjs';

export const batchSize = 64;
const TIME = 20;
const VOCABULARY = 4000;
/** Ids below mean no word. */
const FIRST_WORD = 4;
const END = 3;

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize } = {}) {
  const model = seq2seq
    .createTranslator({
      sourceVocabulary: VOCABULARY,
      targetVocabulary: VOCABULARY,
      embedding: 128,
      hidden: 256,
      layers: 1,
      initialization: 'fanIn',
    })
    .initialize(1)
    .eval();
  const bias = model.namedParameters().get('head.bias').value;
  bias.assign(tf.tidy(() => tf.sub(bias, tf.mul(tf.oneHot(END, VOCABULARY), 1e9))));
  const decoder = new seq2seq.SentenceDecoder(model);
  return {
    parameters: countParameters(model),
    run: async (source) => {
      const words = await source.array();
      const found = await decoder.decode(words, { maximumLength: TIME });
      const total = found.reduce((sum, [best]) => sum + best.logProbability, 0);
      return { loss: tf.scalar(-total / (batch * TIME)) };
    },
    batch: (random) => {
      const words = integers(random, [batch, TIME], VOCABULARY - FIRST_WORD);
      return [{ ...words, data: words.data.map((id) => id + FIRST_WORD) }];
    },
  };
}

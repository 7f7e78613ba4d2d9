/** An LSTM encoder and decoder: 128 features in, 256 inside, 20 steps, vocabularies of 4000; Adam. */
import { core, tf } from '../packages.mjs';
import { countParameters, integers, trainingStep } from './workload.mjs';

export const batchSize = 64;
const TIME = 20;
const FEATURES = 128;
const HIDDEN = 256;
const VOCABULARY = 4000;

// All weights start as in the peer.
const sizes = { features: FEATURES, hidden: HIDDEN, timeMajor: true };
const embedding = () => new core.Embedding(VOCABULARY, FEATURES, { weightInitializer: core.normal(1) });

class Translator extends core.Module {
  sourceEmbedding = embedding();
  targetEmbedding = embedding();
  encoder = new core.Lstm(sizes);
  decoder = new core.Lstm(sizes);
  head = new core.Dense(HIDDEN, VOCABULARY);

  /** Words in order of time, [T, B] each → logits [T · B, V] */
  forward(source, target) {
    const { states } = this.encoder.forward(this.sourceEmbedding.forward(source));
    const { outputs } = this.decoder.forward(this.targetEmbedding.forward(target), { states });
    return tf.reshape(this.head.forward(outputs), [-1, VOCABULARY]);
  }
}

/** @param {import('./workload.mjs').WorkloadOptions} [options] @returns {import('./workload.mjs').Workload} */
export function create({ batch = batchSize, learningRate = 1e-3 } = {}) {
  const model = new Translator().initialize(1);
  const shape = [TIME, batch];
  return {
    parameters: countParameters(model),
    step: trainingStep(model, new core.Adam(), learningRate, (source, target, wanted) =>
      core.crossEntropyLoss(model.forward(source, target), tf.reshape(wanted, [-1])),
    ),
    batch: (random) => [0, 1, 2].map(() => integers(random, shape, VOCABULARY)),
  };
}

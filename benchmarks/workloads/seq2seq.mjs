/** An LSTM encoder and decoder: 128 features in, 256 inside, 20 steps, vocabularies of 4000; Adam. */
import { core, tf } from '../packages.mjs';
import { countParameters, integers, trainingStep } from './workload.mjs';

export const batchSize = 64;
const TIME = 20;
const FEATURES = 128;
const HIDDEN = 256;
const VOCABULARY = 4000;

class Lstm extends core.Module {
  constructor() {
    super();
    this.input = new core.Parameter([FEATURES, 4 * HIDDEN], core.normal(0.05));
    this.recurrent = new core.Parameter([HIDDEN, 4 * HIDDEN], core.normal(0.05));
    this.bias = new core.Parameter([4 * HIDDEN], core.zeros());
  }

  /** x [T · B, features] and a state → the outputs [T · B, hidden] and the last state */
  forward(x, state) {
    const projected = tf.add(tf.matMul(x, this.input.value), this.bias.value); // [T·B, 4·hidden]
    let { output, cell } = state ?? {};
    const outputs = tf.split(projected, TIME, 0).map((now) => {
      const gates = output === undefined ? now : tf.add(now, tf.matMul(output, this.recurrent.value));
      const [write, keep, candidate, show] = tf.split(gates, 4, 1); // each [B, hidden]
      const written = tf.mul(tf.sigmoid(write), tf.tanh(candidate));
      cell = cell === undefined ? written : tf.add(tf.mul(tf.sigmoid(keep), cell), written);
      output = tf.mul(tf.sigmoid(show), tf.tanh(cell));
      return output;
    });
    return { outputs: tf.concat(outputs, 0), state: { output, cell } };
  }
}

class Translator extends core.Module {
  sourceEmbedding = new core.Embedding(VOCABULARY, FEATURES, { weightInitializer: core.normal(0.1) });
  targetEmbedding = new core.Embedding(VOCABULARY, FEATURES, { weightInitializer: core.normal(0.1) });
  encoder = new Lstm();
  decoder = new Lstm();
  head = new core.Dense(HIDDEN, VOCABULARY);

  /** Words in order of time, [T, B] each → logits [T · B, V] */
  forward(source, target) {
    const flat = (words) => tf.reshape(words, [-1]);
    const { state } = this.encoder.forward(this.sourceEmbedding.forward(flat(source)));
    const { outputs } = this.decoder.forward(this.targetEmbedding.forward(flat(target)), state);
    return this.head.forward(outputs);
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

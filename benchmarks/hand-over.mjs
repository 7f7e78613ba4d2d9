/**
 * What it costs that a step with two lengths of text has two sessions, which pass all weights to and fro:
 * `npm run bench:hand-over`. A million weights and Adam's moments, twelve megabytes.
 */
import { compile, core, tf, useBackend } from './packages.mjs';

const { Adam, Dense, Embedding, Module, valueAndGradients } = core;

class Bag extends Module {
  embedding = new Embedding(8192, 128);
  output = new Dense(128, 2);
  forward(tokens) {
    return this.output.forward(tf.mean(this.embedding.forward(tokens), 1));
  }
}

await useBackend('onnx');
const model = new Bag().initialize(1);
const parameters = model.trainableParameters();
const optimizer = new Adam().initialize(parameters);
const step = compile((tokens) => {
  const { value, gradients } = valueAndGradients(() => tf.mean(tf.square(model.forward(tokens))), parameters);
  optimizer.update(parameters, gradients, 1e-3);
  return value;
});
const texts = [16, 32].map((length) => tf.zeros([32, length], 'int32'));

/** Mean milliseconds of `count` steps, the text of each by its number. */
async function measure(textOf, count) {
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const value = await step(texts[textOf(index)]);
    await value.data();
    value.dispose();
  }
  return (performance.now() - start) / count;
}

await measure((index) => index % 2, 6);
const rounds = [];
for (let round = 0; round < 9; round++) {
  rounds.push([await measure(() => 0, 20), await measure(() => 1, 20), await measure((index) => index % 2, 40)]);
}
const median = (column) =>
  rounds
    .map((times) => times[column])
    .toSorted((a, b) => a - b)[4]
    .toFixed(2);
process.stdout.write(
  `median of 9: 16 tokens ${median(0)} ms, 32 tokens ${median(1)} ms, in turn ${median(2)} ms a step\n`,
);
await step.dispose();

/**
 * A recurrent net that reads a text letter by letter and guesses the next. Karpathy 2015, The unreasonable effectiveness of
 * recurrent neural networks.
 *
 *     h_t = LSTM(h_{t−1}, letter_t)        p(letter_{t+1}) = softmax(W h_t + b)
 *     loss = − mean over t of ln p(the letter that came)        nats per letter
 *
 * What it has to beat is a table: the bigram model counts in the training text which letter follows which,
 *
 *     p(b | a) = (n(a b) + 1) / (n(a) + V)
 *
 * and remembers one letter; a net below its loss has learned to use more of what came before.
 * Dimensions: B batch, T letters, V distinct letters, H units.
 */
import { compile, tf } from '@milestones/backend';
import { crossEntropyLoss, Dense, Lstm, Module, option, positiveInteger, positiveNumber } from '@milestones/core';
import { CharacterTokenizer, generatedTextEntropy, RandomWindows } from '@milestones/datasets';
import * as v from 'valibot';
import { textSet } from '../data.ts';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { trainByAdam } from '../train-by-adam.ts';

const schema = v.strictObject({
  text: option(textSet, 'tiny-shakespeare', 'what is read'),
  characters: option(positiveInteger, 60_000, 'length of a generated text'),
  hidden: option(positiveInteger, 128, 'H, units of the LSTM'),
  context: option(positiveInteger, 64, 'T, letters of a window'),
  batchSize: option(positiveInteger, 32, 'windows per update'),
  steps: option(positiveInteger, 4000, 'updates'),
  learningRate: option(positiveNumber, 5e-3, 'learning rate of Adam at the start'),
  evaluationBatches: option(positiveInteger, 20, 'batches of the part for validation that are read'),
});

/** V → H → V. */
export class CharacterNet extends Module {
  readonly lstm: Lstm;
  readonly head: Dense;
  readonly #letters: number;

  constructor(letters: number, hidden: number) {
    super();
    this.#letters = letters;
    this.lstm = new Lstm({ features: letters, hidden });
    this.head = new Dense(hidden, letters);
  }

  /** int32 [B, T] → [B, T, V] */
  forward(letters: tf.Tensor): tf.Tensor {
    const x = tf.cast(tf.oneHot(letters as tf.Tensor2D, this.#letters), 'float32'); // [B, T, V]
    return this.head.forward(this.lstm.forward(x).outputs);
  }
}

/** Nats per letter of `validation` under the bigram model of `train`; letters are numbers from 0 to V − 1. */
export function bigramLoss(train: Int32Array, validation: Int32Array, letters: number): number {
  const pairs = new Float64Array(letters * letters).fill(1);
  const totals = new Float64Array(letters).fill(letters);
  for (let place = 1; place < train.length; place++) {
    pairs[train[place - 1]! * letters + train[place]!]!++;
    totals[train[place - 1]!]!++;
  }
  let sum = 0;
  for (let place = 1; place < validation.length; place++) {
    const before = validation[place - 1]!;
    sum -= Math.log(pairs[before * letters + validation[place]!]! / totals[before]!);
  }
  return sum / (validation.length - 1);
}

export const characterRnn = defineExperiment({
  name: 'character-rnn',
  title: 'A recurrent net that writes letter by letter',
  paper: 'Karpathy 2015; Hochreiter and Schmidhuber 1997',
  claim: 'an LSTM over letters has a lower validation loss than the bigram table of the same text',
  schema,
  presets: {
    quick: {
      why: 'sentences of a small grammar, whose entropy is known: the loss must end between it and the bigram table',
      minutes: 0.07,
      set: {
        text: 'sentences',
        hidden: 64,
        context: 32,
        batchSize: 16,
        steps: 200,
        learningRate: 0.01,
        evaluationBatches: 10,
      },
      targets: [
        { metric: 'gainOverBigram', claim: 'nats per letter below the bigram table', expected: [0.1, null] },
        { metric: 'aboveEntropy', claim: 'nats per letter above the entropy of the grammar', expected: [0, null] },
      ],
    },
    laptop: {
      why: 'tiny Shakespeare, one layer of 128 units; large char-RNNs end near 1.4 nats',
      minutes: 7,
      targets: [
        { metric: 'gainOverBigram', claim: 'nats per letter below the bigram table', expected: [0.3, null] },
        { metric: 'validationLoss', claim: 'nats per letter of the part for validation', expected: [1.4, null] },
      ],
    },
  },
  deviations: [
    {
      topic: 'state',
      paper: 'carried from one window to the next',
      ours: 'zero at the start of each window of random place',
      why: 'batches that depend on the step alone; costs a few hundredths of a nat in the first letters of a window',
    },
  ],
  // The letters of the text are not known before it is read: 65 are those of tiny Shakespeare.
  size: ({ hidden, steps }) => ({ parameters: new CharacterNet(65, hidden).parameterCount(), steps }),

  async run(settings, context): Promise<Outcome> {
    const corpus = await context.data.text(settings.text, settings.characters);
    const tokenizer = CharacterTokenizer.fromText(corpus.text);
    const letters = tokenizer.vocabularySize;
    const [train, validation] = [tokenizer.encode(corpus.train), tokenizer.encode(corpus.validation)];
    const bigram = bigramLoss(train, validation, letters);
    const { hidden, context: length, batchSize, steps, learningRate } = settings;
    const model = new CharacterNet(letters, hidden).initialize(context.seed);
    const windows = (tokens: Int32Array, stream: string): RandomWindows =>
      new RandomWindows({ tokens, batchSize, context: length, seed: context.seed, stream });
    const tensors = ({ inputs, targets }: { inputs: Int32Array; targets: Int32Array }): [tf.Tensor2D, tf.Tensor2D] => [
      tf.tensor2d(inputs, [batchSize, length], 'int32'),
      tf.tensor2d(targets, [batchSize, length], 'int32'),
    ];
    const loss = (inputs: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor =>
      crossEntropyLoss(model.forward(inputs), targets);
    const training = windows(train, 'train');
    const curve = await trainByAdam({
      model,
      loss,
      batch: (step) => tensors(training.at(step)),
      steps,
      learningRate,
      context,
    });

    const measure = compile(loss);
    const held = windows(validation, 'validation');
    let sum = 0;
    for (let batch = 0; batch < settings.evaluationBatches; batch++) {
      const inputs = tensors(held.at(batch));
      const value = await measure(...inputs);
      sum += (await value.data())[0]!;
      tf.dispose([value, ...inputs]);
    }
    await measure.dispose();
    const validationLoss = sum / settings.evaluationBatches;
    const written = await write(model, validation.subarray(0, length), context.random('write'));
    model.dispose();
    const level = (value: number): [number, number][] => [
      [0, value],
      [steps, value],
    ];
    return {
      metrics: {
        validationLoss,
        bigramLoss: bigram,
        gainOverBigram: bigram - validationLoss,
        ...(settings.text === 'sentences' && { aboveEntropy: validationLoss - generatedTextEntropy() }),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'loss',
          title: `Loss on ${corpus.name}, nats per letter`,
          x: { label: 'updates' },
          y: { label: 'nats' },
          series: [
            { name: 'training', points: curve },
            { name: 'validation at the end', points: level(validationLoss), style: 'dashed' },
            { name: 'bigram table', points: level(bigram), style: 'dashed' },
          ],
        },
      ],
      notes: [`What the net writes after the start of the part for validation: …${tokenizer.decode(written)}`],
    };
  },
});

/** 200 letters after `start`, each drawn from what the net expects after as many letters as a window has. */
async function write(
  model: CharacterNet,
  start: Int32Array,
  random: { categorical(weights: ArrayLike<number>): number },
): Promise<number[]> {
  const letters = [...start];
  const next = compile((window: tf.Tensor2D) => {
    const logits = model.forward(window); // [1, T, V]
    return tf.softmax(tf.slice(logits, [0, start.length - 1, 0], [1, 1, -1]));
  });
  for (let count = 0; count < 200; count++) {
    const window = tf.tensor2d(letters.slice(-start.length), [1, start.length], 'int32');
    const probabilities = await next(window);
    letters.push(random.categorical(await probabilities.data()));
    tf.dispose([window, probabilities]);
  }
  await next.dispose();
  return letters.slice(start.length);
}

/**
 * Words as vectors, from the company they keep. Mikolov et al. 2013, Distributed representations of words and phrases,
 * equation 4: skip-gram with negative sampling.
 *
 *     loss = − ln σ(o_c · v_w) − Σ over k drawn words n of ln σ(− o_n · v_w)        c: a word beside w
 *     noise: n drawn in proportion to (count of n)^¾
 *     often seen words: an occurrence stays with probability √(t / its share of the text)
 *
 * At the optimum o_c · v_w = ln p(c | w) / p(c) − ln k (Levy and Goldberg 2014). Where that is a sum of what a word's
 * properties contribute, vectors add up in the same way: queen = king − man + woman.
 * Dimensions: B batch, D size of a vector, V words.
 */
import { tf } from '@milestones/backend';
import {
  binaryCrossEntropyLoss,
  Embedding,
  Module,
  nonNegativeInteger,
  option,
  positiveInteger,
  positiveNumber,
  principalComponents,
  uniform,
  zeros,
} from '@milestones/core';
import { generateAnalogies } from '@milestones/datasets';
import * as v from 'valibot';
import { defineExperiment, type ExperimentContext, type Outcome } from '../experiment.ts';
import { trainByAdam } from '../train-by-adam.ts';
import { SkipGrams, WordSpace } from './skip-grams.ts';

const schema = v.strictObject({
  sentences: option(positiveInteger, 20_000, 'sentences of the generated text'),
  features: option(positiveInteger, 24, 'D for the generated text'),
  steps: option(positiveInteger, 2500, 'updates on the generated text'),
  realSteps: option(nonNegativeInteger, 25_000, 'updates on WikiText-2; 0 leaves it out'),
  realFeatures: option(positiveInteger, 64, 'D for WikiText-2'),
  realWords: option(positiveInteger, 6000, 'V, the most frequent words of WikiText-2'),
  window: option(positiveInteger, 4, 'how far a word’s company reaches at most'),
  negatives: option(positiveInteger, 5, 'k, noise words for each pair'),
  batchSize: option(positiveInteger, 512, 'pairs per update'),
  learningRate: option(positiveNumber, 0.01, 'learning rate of Adam at the start'),
});
type Settings = v.InferOutput<typeof schema>;

/** Two vectors for each word: as the word itself, and as company of another. */
export class WordVectors extends Module {
  readonly words: Embedding;
  readonly company: Embedding;

  constructor(words: number, features: number) {
    super();
    this.words = new Embedding(words, features, { weightInitializer: uniform(-0.5 / features, 0.5 / features) });
    this.company = new Embedding(words, features, { weightInitializer: zeros() });
  }

  /**
   * @param word int32 [B]
   * @param others int32 [B, 1 + k]: the word beside it, then noise
   */
  loss(word: tf.Tensor1D, others: tf.Tensor2D): tf.Tensor {
    const [B, columns] = others.shape;
    const center = tf.expandDims(this.words.forward(word), 1); // [B, 1, D]
    const scores = tf.sum(tf.mul(this.company.forward(others), center), -1); // [B, 1 + k]
    const truth = tf.concat([tf.ones([B, 1]), tf.zeros([B, columns - 1])], 1);
    return tf.div(binaryCrossEntropyLoss(scores, truth, { reduction: 'sum' }), B);
  }
}

const months = 'January February March April May June July August September October November December'.split(' ');
const probes = ['king', 'river', 'album', 'three', 'June', 'German', 'football', 'she'];

export const word2vec = defineExperiment({
  name: 'word2vec',
  title: 'Word vectors by negative sampling',
  paper: 'Mikolov et al. 2013',
  claim: 'vectors learned from neighbouring words solve the analogies that were planted in the text',
  schema,
  presets: {
    quick: {
      why: 'a generated text with 180 planted analogies among 20 people; by chance one of 74 words would be right',
      minutes: 0.06,
      set: { sentences: 6000, features: 16, steps: 500, realSteps: 0, batchSize: 256, learningRate: 0.03 },
      targets: [{ metric: 'analogies', claim: 'share of the planted analogies solved', expected: [0.9, 1] }],
    },
    laptop: {
      why: 'more of the same text, and WikiText-2, which is too small for analogies: its nearest neighbours are printed',
      minutes: 6,
      targets: [{ metric: 'analogies', claim: 'share of the planted analogies solved', expected: [0.95, 1] }],
    },
  },
  deviations: [
    {
      topic: 'optimizer',
      paper: 'gradient descent pair by pair, on the rows concerned',
      ours: 'Adam on batches, on whole tables',
      why: 'one compiled step; thousands of single updates would cost more than they compute',
    },
  ],
  // The generated text has 77 words.
  size: ({ features, steps, realSteps, realFeatures, realWords }) => ({
    parameters: 2 * (77 * features + (realSteps > 0 ? realWords * realFeatures : 0)),
    steps: steps + realSteps,
  }),

  async run(settings, context): Promise<Outcome> {
    const { window, features, steps, realSteps, realFeatures, realWords } = settings;
    const { sentences, analogies } = generateAnalogies({ sentences: settings.sentences, seed: context.seed });
    const planted = new SkipGrams(sentences, { window, frequent: 1, random: context.random('thinning') });
    const space = await learn('planted', planted, { ...settings, features, steps }, context);
    const solved = analogies.filter(([from, to, other, answer]) => space.analogy(from, to, other) === answer);
    const metrics: Record<string, number> = { analogies: solved.length / analogies.length };
    const notes: string[] = [];
    if (realSteps > 0) {
      const { train } = await context.data.text('wikitext-2');
      const lines = train.split('\n').map((line) => line.split(' ').filter((word) => /^[A-Za-z]+$/.test(word)));
      const random = context.random('thinning WikiText-2');
      const real = new SkipGrams(lines, { window, frequent: 1e-3, vocabulary: realWords, random });
      const words = await learn('real', real, { ...settings, features: realFeatures, steps: realSteps }, context);
      const near = (word: string): string[] => words.nearest(words.at(word), 5, [word]);
      const known = (word: string): boolean => real.numberOf(word) !== undefined;
      const besideMonths = months.filter(known).flatMap(near);
      metrics['monthNeighbours'] = besideMonths.filter((word) => months.includes(word)).length / besideMonths.length;
      notes.push('Nearest neighbours in WikiText-2:');
      for (const word of probes.filter(known)) notes.push(`${word}: ${near(word).join(', ')}`);
    }
    return { metrics, drawings: [await drawPairs(space, analogies.slice(0, 108))], notes };
  },
});

/** Vectors of the words of a text. */
async function learn(
  name: string,
  text: SkipGrams,
  { features, steps, batchSize, negatives, learningRate }: Settings,
  context: ExperimentContext,
): Promise<WordSpace> {
  const model = new WordVectors(text.words.length, features).initialize(context.seed);
  const random = context.random(`${name} pairs`);
  await trainByAdam({
    model,
    loss: (word: tf.Tensor1D, others: tf.Tensor2D) => model.loss(word, others),
    batch: (step) => {
      const { word, others } = text.draw(batchSize, negatives, random.fork(String(step)));
      return [tf.tensor1d(word, 'int32'), tf.tensor2d(others, [batchSize, 1 + negatives], 'int32')];
    },
    steps,
    learningRate,
    context,
    metric: `${name}Loss`,
  });
  const values = (await model.words.weight.value.data()) as Float32Array;
  model.dispose();
  return new WordSpace(text.words, values);
}

/** Pairs of people in the two directions in which the vectors vary most: lines from he to she run side by side. */
async function drawPairs(
  space: WordSpace,
  analogies: readonly (readonly string[])[],
): Promise<Outcome['drawings'][number]> {
  const pairs = new Map(analogies.filter((_, index) => index % 2 === 0).map(([he, she]) => [he!, she!]));
  const names = [...pairs].flat();
  const rows = tf.tensor2d(names.map((name) => [...space.at(name)]));
  const { mean, components } = await principalComponents(rows, 2);
  const flat = tf.tidy(() => tf.matMul(tf.sub(rows, mean) as tf.Tensor2D, components).arraySync() as number[][]);
  tf.dispose([rows, mean, components]);
  return {
    kind: 'lines',
    name: 'analogies',
    title: 'From he to she, in the plane in which these vectors vary most',
    x: { label: 'first principal component' },
    y: { label: 'second' },
    series: [...pairs].map(([he, she], index) => ({
      name: `${he}–${she}`,
      points: [flat[2 * index] as [number, number], flat[2 * index + 1] as [number, number]],
    })),
  };
}

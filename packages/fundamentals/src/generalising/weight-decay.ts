/**
 * Weight decay, and why AdamW is not Adam with L2. Krogh and Hertz 1992; Loshchilov and Hutter 2019, propositions 1 and 2.
 *
 *     L2           g ← g + λ θ, then the optimizer's step
 *     decoupled    θ ← (1 − α λ) θ beside the optimizer's step on g alone
 *
 * Under plain gradient descent both are the same: θ − α (g + λ θ) = (1 − α λ) θ − α g. Under Adam they are not: L2's pull
 * passes through the moments and is divided by √v̂, so that weights with large gradients hardly decay.
 *
 * That decay helps is shown on images of which a part has wrong labels: it keeps the net from learning them by heart.
 */
import { tf } from '@milestones/backend';
import {
  Adam,
  AdamW,
  decayMatrices,
  fraction,
  option,
  Optimizer,
  positiveInteger,
  positiveNumber,
  SGD,
  type UpdateRule,
} from '@milestones/core';
import * as v from 'valibot';
import { corruptLabels, evaluate, fit, Perceptron, perceptronSize } from '../classifier.ts';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome, type Target } from '../experiment.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'data set'),
  trainImages: option(positiveInteger, 3000, 'images to train on'),
  testImages: option(positiveInteger, 10_000, 'images to test on'),
  wrongLabels: option(fraction, 0.3, 'share of the training images that get a random label'),
  hidden: option(positiveInteger, 256, 'ReLUs of the hidden layer'),
  batchSize: option(positiveInteger, 100, 'images per step'),
  steps: option(positiveInteger, 3000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.001, 'learning rate of Adam and AdamW'),
  decay: option(positiveNumber, 1, 'λ of AdamW, on weights but not on biases'),
  comparedSteps: option(positiveInteger, 100, 'updates after which the weights of L2 and decoupled decay are compared'),
});
type Settings = v.InferOutput<typeof schema>;

/** Gradient descent with decoupled decay: θ ← (1 − α λ) θ − α g. */
class DecoupledSGD extends Optimizer<never> {
  readonly #decay: number;

  constructor(decay: number) {
    super('decoupled sgd', {} as Record<never, number>);
    this.#decay = decay;
  }

  protected override rule(learningRate: tf.Scalar): UpdateRule<never> {
    const kept = tf.sub(1, tf.mul(learningRate, this.#decay));
    return ({ value, gradient }) => {
      value.assign(tf.sub(tf.mul(value, kept), tf.mul(gradient, learningRate)));
    };
  }
}

/** |θ₁ − θ₂| / |θ₁|, where two optimizers take the same start on the same batches. */
async function weightGap(
  optimizers: [Optimizer, Optimizer],
  rate: number,
  settings: Settings,
  context: ExperimentContext,
): Promise<number> {
  const train = await context.data.images(settings.images, 'train', settings.trainImages);
  const sizes = [train.images.length / train.count, 32, train.classNames.length];
  const found: Float32Array[] = [];
  for (const optimizer of optimizers) {
    const model = new Perceptron({ sizes }).initialize(context.seed);
    await fit(model, {
      images: train,
      optimizer,
      learningRate: rate,
      steps: settings.comparedSteps,
      batchSize: settings.batchSize,
      seed: context.seed,
      onStep: () => context.advance(),
    });
    found.push((await model.layers[0]!.weight.value.data()) as Float32Array);
    model.dispose();
  }
  const [first, second] = found as [Float32Array, Float32Array];
  const length = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  return length(first.map((value, index) => value - second[index]!)) / length(first);
}

/** Test error in percent by step. */
async function testErrors(settings: Settings, decay: number, context: ExperimentContext): Promise<[number, number][]> {
  const { images, steps } = settings;
  const clean = await context.data.images(images, 'train', settings.trainImages);
  const train = corruptLabels(clean, settings.wrongLabels, context.random('wrong labels'));
  const test = await context.data.images(images, 'test', settings.testImages);
  const sizes = [train.images.length / train.count, settings.hidden, train.classNames.length];
  const model = new Perceptron({ sizes }).initialize(context.seed);
  const errors: [number, number][] = [];
  await fit(model, {
    images: train,
    optimizer: new AdamW({ weightDecay: decay, decay: decayMatrices }),
    learningRate: settings.learningRate,
    steps,
    batchSize: settings.batchSize,
    seed: context.seed,
    async onStep(step, loss) {
      context.advance({ loss });
      if (step % Math.max(1, Math.floor(steps / 10)) !== 0) return;
      errors.push([step, 100 - (await evaluate(model, test)).accuracy]);
    },
  });
  model.dispose();
  return errors;
}

const targets: [Target, ...Target[]] = [
  {
    metric: 'adamGap',
    claim: 'Adam: L2 and decoupled decay end apart, share of the weights’ length',
    expected: [0.01, null],
  },
  { metric: 'sgdGap', claim: 'gradient descent: they end together', expected: [0, 1e-4] },
  {
    metric: 'gain',
    claim: 'test error without decay less that with it, wrong labels in training, points',
    expected: [1, null],
  },
];

export const weightDecay = defineExperiment({
  name: 'weight-decay',
  title: 'Weight decay: L2 against decoupled, and what it is good for',
  paper: 'Krogh and Hertz 1992; Loshchilov and Hutter 2019',
  claim: 'L2 and decoupled decay are the same under gradient descent and differ under Adam; decay resists wrong labels',
  schema,
  presets: {
    quick: {
      why: 'generated digits',
      minutes: 0.06,
      set: { images: 'digits', trainImages: 500, testImages: 500, hidden: 64, batchSize: 50, steps: 600 },
      targets,
    },
    laptop: { why: '3,000 images of MNIST', minutes: 1, targets },
  },
  size: ({ hidden, steps, comparedSteps }) => ({
    parameters: perceptronSize([784, hidden, 10]),
    steps: 2 * steps + 4 * comparedSteps,
  }),

  async run(settings, context): Promise<Outcome> {
    const lambda = 0.1;
    const sgd: [Optimizer, Optimizer] = [new SGD({ weightDecay: lambda }), new DecoupledSGD(lambda)];
    const adam: [Optimizer, Optimizer] = [new Adam({ weightDecay: lambda }), new AdamW({ weightDecay: lambda })];
    const sgdGap = await weightGap(sgd, 0.05, settings, context);
    const adamGap = await weightGap(adam, settings.learningRate, settings, context);
    const plain = await context.part('without decay', () => testErrors(settings, 0, context));
    const decayed = await context.part('with decay', () => testErrors(settings, settings.decay, context));
    return {
      metrics: {
        sgdGap,
        adamGap,
        plainTestError: plain.at(-1)![1],
        decayedTestError: decayed.at(-1)![1],
        gain: plain.at(-1)![1] - decayed.at(-1)![1],
      },
      drawings: [
        {
          kind: 'lines',
          name: 'test-error',
          title: `Test error after training on ${100 * settings.wrongLabels} % random labels`,
          x: { label: 'steps' },
          y: { label: 'percent' },
          series: [
            { name: `AdamW, λ = ${settings.decay}`, points: decayed },
            { name: 'λ = 0', style: 'dashed', points: plain },
          ],
        },
      ],
    };
  },
});

/**
 * Dropout. Hinton et al. 2012; Srivastava et al. 2014, sections 4 and 7.4.
 *
 *     training     h̃ = h · r / (1 − p), r zero with probability p and else one, drawn anew for each image and unit
 *     testing      h̃ = h                 (the same expectation: E[r / (1 − p)] = 1)
 *
 * Each step trains another thinned net; all share their weights, and the whole net is about the mean of all of them. A unit
 * cannot rely on particular others. Where data is scarce but not tiny (section 7.4: MNIST with 1,000 images and more) the
 * error on new images falls, though that on the training images rises.
 */
import { tf } from '@milestones/backend';
import { Adam, Dropout, fraction, option, positiveInteger, positiveNumber, RandomKey } from '@milestones/core';
import * as v from 'valibot';
import { evaluate, fit, Perceptron, perceptronSize } from '../classifier.ts';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome, type Target } from '../experiment.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'data set'),
  trainImages: option(positiveInteger, 5000, 'images to train on'),
  testImages: option(positiveInteger, 10_000, 'images to test on'),
  hidden: option(positiveInteger, 512, 'ReLUs of each of the two hidden layers'),
  dropout: option(fraction, 0.5, 'p of hidden units'),
  inputDropout: option(fraction, 0.2, 'p of pixels'),
  batchSize: option(positiveInteger, 100, 'images per step'),
  steps: option(positiveInteger, 4000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.001, 'learning rate of Adam'),
  evaluations: option(positiveInteger, 10, 'how often the nets are tested'),
});
type Settings = v.InferOutput<typeof schema>;

/** Test errors in percent by step, and the loss on the training images at the end, without dropout. */
interface Course {
  errors: [step: number, error: number][];
  trainLoss: number;
  testLoss: number;
}

async function trainNet(settings: Settings, drops: boolean, context: ExperimentContext): Promise<Course> {
  const { images, hidden, steps } = settings;
  const train = await context.data.images(images, 'train', settings.trainImages);
  const test = await context.data.images(images, 'test', settings.testImages);
  const sizes = [train.images.length / train.count, hidden, hidden, train.classNames.length];
  const rates = drops ? { dropout: settings.dropout, inputDropout: settings.inputDropout } : {};
  const model = new Perceptron({ sizes, ...rates }).initialize(context.seed);
  const every = Math.max(1, Math.floor(steps / settings.evaluations));
  const errors: [number, number][] = [];
  await fit(model, {
    images: train,
    optimizer: new Adam(),
    learningRate: settings.learningRate,
    steps,
    batchSize: settings.batchSize,
    seed: context.seed,
    async onStep(step, loss) {
      context.advance({ loss });
      if (step % every !== 0 && step !== steps) return;
      const error = 100 - (await evaluate(model, test)).accuracy;
      errors.push([step, error]);
      context.log(step, { [drops ? 'dropoutTestError' : 'plainTestError']: error });
    },
  });
  const trainLoss = (await evaluate(model, train)).loss;
  const testLoss = (await evaluate(model, test)).loss;
  model.dispose();
  return { errors, trainLoss, testLoss };
}

/** Mean of Dropout(1) over a million draws, less 1. Its standard error is √(p / (1 − p)) / 1000. */
export async function expectationGap(rate: number, context: ExperimentContext): Promise<number> {
  const key = context.random('expectation').keyAt(0);
  const mean = tf.tidy(() => tf.mean(new Dropout(rate).forward(tf.ones([1000, 1000]), new RandomKey(key))));
  const [value] = await mean.data();
  tf.dispose([key, mean]);
  return value! - 1;
}

const targets = (least: number): [Target, ...Target[]] => [
  { metric: 'gain', claim: 'test error without dropout less that with it, points', expected: [least, null] },
  {
    metric: 'gapShrinks',
    claim: 'test loss less training loss: without dropout, by that with it',
    expected: [1, null],
  },
  {
    metric: 'expectationGap',
    claim: 'mean of dropout’s output on ones, less 1; four standard errors',
    expected: [-0.004, 0.004],
  },
];

export const dropout = defineExperiment({
  name: 'dropout',
  title: 'Dropout, on few images',
  paper: 'Srivastava et al. 2014, section 7.4',
  claim: 'on 5,000 images of MNIST dropout lowers the test error, and the gap between training and test',
  schema,
  presets: {
    quick: {
      why: 'a few hundred generated digits',
      minutes: 0.1,
      set: {
        images: 'digits',
        trainImages: 400,
        testImages: 1000,
        hidden: 128,
        batchSize: 50,
        steps: 800,
        evaluations: 4,
      },
      targets: targets(0),
    },
    laptop: {
      why: '5,000 images, where figure 10 of the paper shows the gain clearly; the full set takes a million steps',
      minutes: 1.5,
      targets: targets(0.2),
    },
  },
  deviations: [
    {
      topic: 'net and optimizer',
      paper: '784-1024-1024-2048-10, momentum, max-norm',
      ours: '784-512-512-10, Adam, no max-norm',
      why: 'minutes instead of hours',
    },
  ],
  size: ({ hidden, steps }) => ({ parameters: perceptronSize([784, hidden, hidden, 10]), steps: 2 * steps }),

  async run(settings, context): Promise<Outcome> {
    const plain = await context.part('plain', () => trainNet(settings, false, context));
    const dropped = await context.part('dropout', () => trainNet(settings, true, context));
    const last = ({ errors }: Course): number => errors.at(-1)![1];
    return {
      metrics: {
        gain: last(plain) - last(dropped),
        plainTestError: last(plain),
        dropoutTestError: last(dropped),
        gapShrinks: (plain.testLoss - plain.trainLoss) / (dropped.testLoss - dropped.trainLoss),
        expectationGap: await expectationGap(settings.dropout, context),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'test-error',
          title: 'Test error with and without dropout',
          x: { label: 'steps' },
          y: { label: 'percent' },
          series: [
            { name: 'with dropout', points: dropped.errors },
            { name: 'without', style: 'dashed', points: plain.errors },
          ],
        },
      ],
    };
  },
});

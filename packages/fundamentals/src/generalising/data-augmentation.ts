/**
 * Data augmentation: more data from what is known to change nothing. Simard, Steinkraus and Platt 2003, section 2.
 *
 *     (x, y) → (T x, y)        T a random shift by up to s pixels, drawn anew for every image and epoch
 *
 * A fully connected net does not know that pixels have neighbours, nor that a shifted 3 is a 3. Showing it shifted digits
 * teaches that, without one more label. With 1,000 images there is much to gain; the paper's numbers for all 60,000 are an
 * error of 1.6 % without distortions and 1.1 % with affine ones.
 */
import { Adam, option, positiveInteger, positiveNumber } from '@milestones/core';
import type { AugmentationStep } from '@milestones/datasets';
import * as v from 'valibot';
import { evaluate, fit, Perceptron, perceptronSize } from '../classifier.ts';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome, type Target } from '../experiment.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'data set'),
  trainImages: option(positiveInteger, 1000, 'images to train on'),
  testImages: option(positiveInteger, 10_000, 'images to test on'),
  shift: option(positiveInteger, 2, 's, the largest shift in pixels'),
  hidden: option(positiveInteger, 256, 'ReLUs of the hidden layer'),
  batchSize: option(positiveInteger, 100, 'images per step'),
  steps: option(positiveInteger, 4000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.001, 'learning rate of Adam'),
});
type Settings = v.InferOutput<typeof schema>;

/** Test errors in percent by step, and the training loss of each tenth. */
interface Course {
  errors: [step: number, error: number][];
  losses: [step: number, loss: number][];
}

async function trainNet(
  settings: Settings,
  augmentation: readonly AugmentationStep[],
  context: ExperimentContext,
): Promise<Course> {
  const { images, steps } = settings;
  const train = await context.data.images(images, 'train', settings.trainImages);
  const test = await context.data.images(images, 'test', settings.testImages);
  const sizes = [train.images.length / train.count, settings.hidden, train.classNames.length];
  const model = new Perceptron({ sizes }).initialize(context.seed);
  const tenth = Math.max(1, Math.floor(steps / 10));
  const course: Course = { errors: [], losses: [] };
  let sum = 0;
  await fit(model, {
    images: train,
    optimizer: new Adam(),
    learningRate: settings.learningRate,
    steps,
    batchSize: settings.batchSize,
    seed: context.seed,
    augmentation,
    async onStep(step, loss) {
      context.advance({ loss });
      sum += loss;
      if (step % tenth !== 0) return;
      course.errors.push([step, 100 - (await evaluate(model, test)).accuracy]);
      course.losses.push([step, sum / tenth]);
      sum = 0;
    },
  });
  model.dispose();
  return course;
}

const targets = (least: number): [Target, ...Target[]] => [
  { metric: 'gain', claim: 'test error without shifts less that with them, points', expected: [least, null] },
  {
    metric: 'harder',
    claim: 'training loss with shifts less that without: there is more to learn',
    expected: [0, null],
  },
];

export const dataAugmentation = defineExperiment({
  name: 'data-augmentation',
  title: 'Shifted digits as further training data',
  paper: 'Simard, Steinkraus and Platt 2003, section 2',
  claim: 'random shifts lower the test error of a net that saw 1,000 digits, and raise its training loss',
  schema,
  presets: {
    quick: {
      why: 'a few hundred generated digits',
      minutes: 0.08,
      set: { images: 'digits', trainImages: 400, testImages: 1000, hidden: 64, batchSize: 50, steps: 1000, shift: 3 },
      targets: targets(0),
    },
    laptop: { why: '1,000 images of MNIST', minutes: 0.6, targets: targets(1) },
  },
  deviations: [
    {
      topic: 'distortions',
      paper: 'elastic and affine, 60,000 images',
      ours: 'shifts, 1,000 images',
      why: 'the gain is largest where data is scarce, and shows within minutes',
    },
  ],
  size: ({ hidden, steps }) => ({ parameters: perceptronSize([784, hidden, 10]), steps: 2 * steps }),

  async run(settings, context): Promise<Outcome> {
    const plain = await context.part('plain', () => trainNet(settings, [], context));
    const shifts = [{ kind: 'padAndCrop', pixels: settings.shift }] as const;
    const shifted = await context.part('shifted', () => trainNet(settings, shifts, context));
    const series = (values: (course: Course) => [number, number][]) => [
      { name: 'with shifts', points: values(shifted) },
      { name: 'without', style: 'dashed' as const, points: values(plain) },
    ];
    return {
      metrics: {
        gain: plain.errors.at(-1)![1] - shifted.errors.at(-1)![1],
        harder: shifted.losses.at(-1)![1] - plain.losses.at(-1)![1],
        plainTestError: plain.errors.at(-1)![1],
        shiftedTestError: shifted.errors.at(-1)![1],
      },
      drawings: [
        {
          kind: 'lines',
          name: 'test-error',
          title: 'Test error',
          x: { label: 'steps' },
          y: { label: 'percent' },
          series: series(({ errors }) => errors),
        },
        {
          kind: 'lines',
          name: 'training-loss',
          title: 'Training loss',
          x: { label: 'steps' },
          y: { label: 'nats', scale: 'log' },
          series: series(({ losses }) => losses),
        },
      ],
    };
  },
});

/**
 * Batch normalisation on MNIST. Ioffe and Szegedy 2015, section 4.1 and figure 1a.
 *
 *     x̂ = (x − mean of the batch) / √(variance of the batch + ε)        y = γ x̂ + β
 *
 * Binary images, three hidden layers of 100 sigmoids, Gaussian initial weights, 60 images per step, 50,000 steps. The net
 * with batch norm in front of each sigmoid learns faster and ends higher: its sigmoids stay where they are steep, whatever the
 * layers below do. In testing, running averages stand in for the statistics of the batch.
 */
import { option, positiveInteger, positiveNumber, SGD } from '@milestones/core';
import type { ImageDataset } from '@milestones/datasets';
import * as v from 'valibot';
import { evaluate, fit, perceptronSize } from '../classifier.ts';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome } from '../experiment.ts';
import { NormalizedPerceptron } from './normalized-perceptron.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'data set'),
  trainImages: option(positiveInteger, 60_000, 'images to train on'),
  testImages: option(positiveInteger, 10_000, 'images to test on'),
  hidden: option(positiveInteger, 100, 'sigmoid units of each of the three hidden layers'),
  deviation: option(positiveNumber, 0.1, 'standard deviation of the initial weights'),
  batchSize: option(positiveInteger, 60, 'images per step'),
  steps: option(positiveInteger, 50_000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.5, 'learning rate of plain gradient descent'),
  evaluations: option(positiveInteger, 25, 'how often the nets are tested'),
});
type Settings = v.InferOutput<typeof schema>;

/** Pixels of 0 or 255. */
export function binaryImages(images: ImageDataset): ImageDataset {
  return { ...images, images: images.images.map((pixel) => (pixel > 127 ? 255 : 0)) };
}

/** Accuracies in percent on the test images, and training losses, by evaluation. */
interface Course {
  steps: number[];
  accuracies: number[];
  trainLosses: number[];
}

async function trainNet(
  settings: Settings,
  normalization: 'none' | 'batch',
  context: ExperimentContext,
): Promise<Course> {
  const { images, hidden, steps } = settings;
  const train = binaryImages(await context.data.images(images, 'train', settings.trainImages));
  const test = binaryImages(await context.data.images(images, 'test', settings.testImages));
  const sizes = [train.images.length / train.count, hidden, hidden, hidden, train.classNames.length];
  const model = new NormalizedPerceptron(sizes, normalization, settings.deviation).initialize(context.seed);
  const every = Math.max(1, Math.floor(steps / settings.evaluations));
  const course: Course = { steps: [], accuracies: [], trainLosses: [] };
  let sum = 0;
  await fit(model, {
    images: train,
    optimizer: new SGD(),
    learningRate: settings.learningRate,
    steps,
    batchSize: settings.batchSize,
    seed: context.seed, // both nets see the same images in the same order
    async onStep(step, loss) {
      sum += loss;
      context.advance({ loss });
      if (step % every !== 0 && step !== steps) return;
      const { accuracy } = await evaluate(model, test);
      const trainLoss = sum / (step - (course.steps.at(-1) ?? 0));
      course.steps.push(step);
      course.accuracies.push(accuracy);
      course.trainLosses.push(trainLoss);
      context.log(step, { [`${normalization}TestAccuracy`]: accuracy, [`${normalization}TrainLoss`]: trainLoss });
      sum = 0;
    },
  });
  model.dispose();
  return course;
}

export const batchNormFigure1 = defineExperiment({
  name: 'batch-norm-figure-1',
  title: 'Batch normalisation in a net of sigmoids, figure 1a',
  paper: 'Ioffe and Szegedy 2015, section 4.1',
  claim: 'with batch norm the net tests at least 0.2 points higher after 50,000 steps, and higher all the way',
  schema,
  presets: {
    quick: {
      why: 'a small net on generated digits: seconds, to see the lead at the start of training',
      minutes: 0.06,
      set: {
        images: 'digits',
        trainImages: 1500,
        testImages: 500,
        hidden: 40,
        steps: 600,
        evaluations: 6,
      },
      targets: [
        { metric: 'gain', claim: 'test accuracy with batch norm less that without, points', expected: [0.2, null] },
        { metric: 'leads', claim: 'share of the evaluations at which batch norm tests higher', expected: [0.99, 1] },
      ],
    },
    laptop: {
      why: 'the paper’s experiment; learning rate and initial weights, which it does not name, from a public replication',
      minutes: 6,
      targets: [
        { metric: 'gain', claim: 'test accuracy with batch norm less that without, points', expected: [0.2, null] },
        {
          metric: 'batchNormAccuracy',
          claim: 'test accuracy with batch norm, percent',
          published: 98,
          source: 'Brandon-HY-Lin/deep_learning_comparision, MNIST with learning rate 0.5',
          expected: [97.6, null],
        },
        {
          metric: 'plainAccuracy',
          claim: 'test accuracy without, percent',
          published: 97.69,
          source: 'Brandon-HY-Lin/deep_learning_comparision, MNIST with learning rate 0.5',
          expected: [96.5, 98],
        },
        { metric: 'leads', claim: 'share of the evaluations at which batch norm tests higher', expected: [0.9, 1] },
      ],
    },
  },
  size: ({ hidden, steps }) => ({ parameters: perceptronSize([784, hidden, hidden, hidden, 10]), steps: 2 * steps }),

  async run(settings, context): Promise<Outcome> {
    const plain = await context.part('plain', () => trainNet(settings, 'none', context));
    const batch = await context.part('batch norm', () => trainNet(settings, 'batch', context));
    const last = ({ accuracies }: Course): number => accuracies.at(-1)!;
    const points = (course: Course, values: number[]) => values.map((y, index) => [course.steps[index]!, y] as const);
    const higher = batch.accuracies.filter((accuracy, index) => accuracy > plain.accuracies[index]!).length;
    return {
      metrics: {
        batchNormAccuracy: last(batch),
        plainAccuracy: last(plain),
        gain: last(batch) - last(plain),
        leads: higher / batch.accuracies.length,
      },
      drawings: [
        {
          kind: 'lines',
          name: 'test-accuracy',
          title: 'Test accuracy with and without batch norm (figure 1a)',
          x: { label: 'steps' },
          y: { label: 'percent' },
          series: [
            { name: 'with batch norm', points: points(batch, batch.accuracies) },
            { name: 'without', style: 'dashed', points: points(plain, plain.accuracies) },
          ],
        },
        {
          kind: 'lines',
          name: 'training-loss',
          title: 'Training loss, mean since the evaluation before',
          x: { label: 'steps' },
          y: { label: 'nats', scale: 'log' },
          series: [
            { name: 'with batch norm', points: points(batch, batch.trainLosses) },
            { name: 'without', style: 'dashed', points: points(plain, plain.trainLosses) },
          ],
        },
      ],
    };
  },
});

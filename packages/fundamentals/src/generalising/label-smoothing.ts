/**
 * Label smoothing. Szegedy et al. 2016, "Rethinking the Inception architecture", section 7; Müller, Kornblith and Hinton 2019.
 *
 *     q = (1 − s) · one-hot + s / K
 *
 * Against a one-hot target the loss falls as long as the logits grow: the net ends up far surer than it is often right. Against q
 * there is a best distance between the right logit and the others, and no reason to go beyond:
 *
 *     z_right − z_other = log((1 − s + s/K) / (s/K)) = log(1 + K (1 − s) / s)          s = 0.1, K = 10: 4.511
 *
 * Confidence is then nearer to how often the net is right, where it is often wrong (calibration, Guo et al. 2017).
 * Dimensions: K classes.
 */
import {
  Adam,
  calibration,
  crossEntropyLoss,
  fraction,
  option,
  positiveInteger,
  positiveNumber,
  type Calibration,
} from '@milestones/core';
import * as v from 'valibot';
import { evaluate, fit, Perceptron, perceptronSize } from '../classifier.ts';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome, type Target } from '../experiment.ts';

const schema = v.strictObject({
  images: option(imageSet, 'cifar10', 'data set'),
  trainImages: option(positiveInteger, 4000, 'images to train on'),
  testImages: option(positiveInteger, 5000, 'images to test on'),
  smoothing: option(fraction, 0.1, 's'),
  hidden: option(positiveInteger, 256, 'ReLUs of the hidden layer'),
  batchSize: option(positiveInteger, 100, 'images per step'),
  steps: option(positiveInteger, 8000, 'updates of each net'),
  learningRate: option(positiveNumber, 0.001, 'learning rate of Adam'),
});
type Settings = v.InferOutput<typeof schema>;

/** log(1 + K (1 − s) / s): how far apart the logits are where the smoothed loss is least. */
export function bestLogitGap(smoothing: number, classes: number): number {
  return Math.log(1 + (classes * (1 - smoothing)) / smoothing);
}

/** Mean over images and other classes of z_right − z_other, which is log p_right − log p_other. */
function logitGap(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  const classes = probabilities.length / labels.length;
  const logs = Array.from(probabilities, (probability) => Math.log(Math.max(probability, 1e-30)));
  const gaps = Array.from(labels, (label, row) => {
    const own = logs.slice(row * classes, (row + 1) * classes);
    return own.reduce((sum, log) => sum + own[label]! - log, 0) / (classes - 1);
  });
  return gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
}

/** A trained net: its accuracy and calibration on new images, and its logits on those it was trained on. */
interface Trained {
  calibration: Calibration;
  testLoss: number;
  trainGap: number;
}

async function trainNet(settings: Settings, smoothing: number, context: ExperimentContext): Promise<Trained> {
  const { images } = settings;
  const train = await context.data.images(images, 'train', settings.trainImages);
  const test = await context.data.images(images, 'test', settings.testImages);
  const sizes = [train.images.length / train.count, settings.hidden, train.classNames.length];
  const model = new Perceptron({ sizes }).initialize(context.seed);
  await fit(model, {
    images: train,
    optimizer: new Adam(),
    learningRate: settings.learningRate,
    steps: settings.steps,
    batchSize: settings.batchSize,
    seed: context.seed,
    loss: (logits, labels) => crossEntropyLoss(logits, labels, { labelSmoothing: smoothing }),
    onStep(step, loss) {
      context.advance({ loss });
      if (step % 100 === 0) context.log(step, { [smoothing > 0 ? 'smoothedLoss' : 'plainLoss']: loss });
    },
  });
  const { probabilities, loss } = await evaluate(model, test);
  const trained = {
    calibration: calibration(probabilities, test.labels),
    testLoss: loss,
    trainGap: logitGap((await evaluate(model, train)).probabilities, train.labels),
  };
  model.dispose();
  return trained;
}

// Quick does not claim the accuracy: a first run had 3.6 points less with smoothing, at a standard error of 2 for 1,000 images.
const targets: [Target, ...Target[]] = [
  {
    metric: 'calibrationGain',
    claim: 'expected calibration error without smoothing less that with it',
    expected: [0, null],
  },
  {
    metric: 'smoothedGapRatio',
    claim: 'distance of the logits on training images, by log(1 + K (1 − s) / s)',
    expected: [0.9, 1.1],
  },
  { metric: 'lossGain', claim: 'cross-entropy on new images, without smoothing less with it', expected: [0, null] },
];
const accuracyTarget: Target = {
  metric: 'accuracyGain',
  claim: 'test accuracy with smoothing less that without, points: no loss',
  expected: [-1, null],
};

export const labelSmoothing = defineExperiment({
  name: 'label-smoothing',
  title: 'Smoothed labels, logits and confidence',
  paper: 'Szegedy et al. 2016, section 7; Müller, Kornblith and Hinton 2019',
  claim:
    'smoothed labels keep the logits at a distance of log(1 + K (1 − s) / s), and the net’s confidence nearer to its accuracy',
  schema,
  presets: {
    quick: {
      why: 'few generated digits, so that the net is often wrong and sure',
      minutes: 0.08,
      set: {
        images: 'digits',
        trainImages: 200,
        testImages: 1000,
        hidden: 64,
        batchSize: 50,
        steps: 1500,
        learningRate: 0.002,
      },
      targets,
    },
    laptop: {
      why: 'a fully connected net on 4,000 images of CIFAR-10 knows them by heart and is right on about 45 % of the new ones',
      minutes: 4,
      // Steps and rate were raised after a first run, which missed the claim about logits (4,000 at 0.0005); no band was
      // moved. In the trial of these settings `accuracyTarget` was missed, and stays.
      targets: [...targets, accuracyTarget],
    },
  },
  size: ({ images, hidden, steps }) => ({
    parameters: perceptronSize([images === 'cifar10' || images === 'shapes' ? 3072 : 784, hidden, 10]),
    steps: 2 * steps,
  }),

  async run(settings, context): Promise<Outcome> {
    const plain = await context.part('one-hot', () => trainNet(settings, 0, context));
    const smoothed = await context.part('smoothed', () => trainNet(settings, settings.smoothing, context));
    const diagram = ({ calibration: { bins } }: Trained) =>
      bins.map(({ confidence, accuracy }) => [confidence, accuracy] as const);
    return {
      metrics: {
        calibrationGain: plain.calibration.expectedError - smoothed.calibration.expectedError,
        plainCalibrationError: plain.calibration.expectedError,
        smoothedCalibrationError: smoothed.calibration.expectedError,
        plainConfidence: plain.calibration.confidence,
        smoothedConfidence: smoothed.calibration.confidence,
        smoothedGapRatio: smoothed.trainGap / bestLogitGap(settings.smoothing, 10),
        plainGap: plain.trainGap,
        smoothedGap: smoothed.trainGap,
        lossGain: plain.testLoss - smoothed.testLoss,
        plainAccuracy: 100 * plain.calibration.accuracy,
        smoothedAccuracy: 100 * smoothed.calibration.accuracy,
        accuracyGain: 100 * (smoothed.calibration.accuracy - plain.calibration.accuracy),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'reliability',
          title: 'How often the net is right, by how sure it is',
          x: { label: 'confidence' },
          y: { label: 'accuracy' },
          series: [
            { name: `smoothed, s = ${settings.smoothing}`, points: diagram(smoothed) },
            { name: 'one-hot', style: 'dashed', points: diagram(plain) },
            {
              name: 'calibrated',
              style: 'dashed',
              points: [
                [0.1, 0.1],
                [1, 1],
              ],
            },
          ],
        },
      ],
    };
  },
});

/**
 * Transfer learning. Pratt 1993; Yosinski et al. 2014, "How transferable are features in deep neural networks?".
 *
 * A convolutional net is trained on one half of the classes, with many images. Then the other half is to be learned from a few
 * images of each class, in three ways:
 *
 *     scratch       new weights, all trained
 *     frozen        the layers of the first task as they are, a new last layer trained
 *     fine-tuned    the same start, all trained on
 *
 * The lower layers have found strokes and corners, which the new classes are made of as well; a few images suffice to tell how
 * they combine, but not to find them.
 */
import { Adam, option, positiveInteger, positiveNumber } from '@milestones/core';
import { selectImages, type ImageDataset } from '@milestones/datasets';
import * as v from 'valibot';
import { evaluate, fit } from '../classifier.ts';
import { imageSet } from '../data.ts';
import { defineExperiment, type ExperimentContext, type Outcome, type Target } from '../experiment.ts';
import { SmallConvolutionalNet } from './small-convolutional-net.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'data set'),
  sourceImages: option(
    positiveInteger,
    20_000,
    'images of the first half of the classes, before the others are taken out',
  ),
  perClass: option(positiveInteger, 10, 'training images of each class of the second half'),
  testImages: option(positiveInteger, 10_000, 'images to test on, both halves together'),
  filters: option(positiveInteger, 16, 'filters of the first convolution; the second has twice as many'),
  hidden: option(positiveInteger, 64, 'ReLUs behind them'),
  batchSize: option(positiveInteger, 50, 'B, images per step'),
  sourceSteps: option(positiveInteger, 1500, 'updates on the first half'),
  steps: option(positiveInteger, 500, 'updates on the second half, for each way'),
  learningRate: option(positiveNumber, 0.001, 'learning rate of Adam'),
});
type Settings = v.InferOutput<typeof schema>;

/** The images whose label is from `from` up to `to` − 1, at most `perClass` of each, with labels from 0 on. */
export function selectClasses(dataset: ImageDataset, from: number, to: number, perClass = Infinity): ImageDataset {
  const counts = new Map<number, number>();
  const rows = Array.from(dataset.labels.keys()).filter((row) => {
    const label = dataset.labels[row]!;
    if (label < from || label >= to) return false;
    counts.set(label, (counts.get(label) ?? 0) + 1);
    return counts.get(label)! <= perClass;
  });
  const chosen = selectImages(dataset, rows);
  return {
    ...chosen,
    labels: chosen.labels.map((label) => label - from),
    classNames: dataset.classNames.slice(from, to),
  };
}

const ways = ['scratch', 'frozen', 'fineTuned'] as const;
type Way = (typeof ways)[number];

async function transfer(settings: Settings, context: ExperimentContext): Promise<Record<string, [number, number][]>> {
  const { images, perClass, steps } = settings;
  const train = await context.data.images(images, 'train', settings.sourceImages);
  const classes = train.classNames.length;
  const half = Math.floor(classes / 2);
  const [source, target] = [selectClasses(train, 0, half), selectClasses(train, half, classes, perClass)];
  const test = selectClasses(await context.data.images(images, 'test', settings.testImages), half, classes);
  const { seed } = context;
  const common = { learningRate: settings.learningRate, batchSize: settings.batchSize, seed };
  const teacher = new SmallConvolutionalNet(source, settings).initialize(seed);
  const onStep = (_step: number, loss: number): void => context.advance({ loss });
  await fit(teacher, { images: source, optimizer: new Adam(), steps: settings.sourceSteps, onStep, ...common });
  const learned = Object.entries(teacher.stateDict()).filter(([name]) => !name.startsWith('output.'));
  const courses: Record<string, [number, number][]> = {};
  for (const way of ways) {
    const model = new SmallConvolutionalNet(target, { ...settings, frozen: way === 'frozen' }).initialize(seed + 1);
    if (way !== 'scratch') model.loadStateDict(Object.fromEntries(learned), { strict: false });
    const accuracies: [number, number][] = [];
    await fit(model, {
      images: target,
      optimizer: new Adam(),
      steps,
      ...common,
      async onStep(step, loss) {
        context.advance({ loss });
        if (step % Math.max(1, Math.floor(steps / 10)) !== 0) return;
        accuracies.push([step, (await evaluate(model, test)).accuracy]);
      },
    });
    courses[way] = accuracies;
    model.dispose();
  }
  teacher.dispose();
  return courses;
}

const targets = (least: number): [Target, ...Target[]] => [
  { metric: 'gain', claim: 'test accuracy fine-tuned less from scratch, points', expected: [least, null] },
  { metric: 'thawGain', claim: 'test accuracy fine-tuned less frozen, points (figure 2)', expected: [0, null] },
];
// Two expectations that are not the papers' failed in first runs and are no claims any more: that frozen layers beat a start from
// scratch (−2.8 points on MNIST: the hidden layer has become the first task's own, as Yosinski et al. found of upper layers),
// and in quick that fine-tuning is ahead from the first steps (−4.3).
const headStart: Target = {
  metric: 'headStart',
  claim: 'fine-tuned less from scratch after a tenth of the steps, points',
  expected: [1, null],
};

export const transferLearning = defineExperiment({
  name: 'transfer-learning',
  title: 'From one half of the classes to the other',
  paper: 'Pratt 1993; Yosinski et al. 2014',
  claim:
    'a net that knows the digits 0 to 4 learns 5 to 9 from ten images each better than one that starts from nothing',
  schema,
  presets: {
    quick: {
      why: 'generated digits, a small net',
      minutes: 0.1,
      set: {
        images: 'digits',
        sourceImages: 2000,
        testImages: 600,
        filters: 4,
        hidden: 32,
        sourceSteps: 400,
        steps: 150,
        learningRate: 0.002,
      },
      targets: targets(0),
    },
    laptop: {
      why: 'MNIST: ten images of each of the digits 5 to 9',
      minutes: 0.6,
      targets: [...targets(1), headStart],
    },
  },
  deviations: [
    {
      topic: 'data',
      paper: 'two halves of ImageNet’s classes',
      ours: 'two halves of the digits',
      why: 'minutes on a core',
    },
  ],
  size: ({ filters, hidden, sourceSteps, steps }) => ({
    parameters: 26 * filters + (25 * filters + 1) * 2 * filters + (98 * filters + 1) * hidden + (hidden + 1) * 5,
    steps: sourceSteps + ways.length * steps,
  }),

  async run(settings, context): Promise<Outcome> {
    const courses = await context.part('nets', () => transfer(settings, context));
    const last = (way: Way): number => courses[way]!.at(-1)![1];
    const first = (way: Way): number => courses[way]![0]![1];
    return {
      metrics: {
        gain: last('fineTuned') - last('scratch'),
        thawGain: last('fineTuned') - last('frozen'),
        frozenGain: last('frozen') - last('scratch'),
        headStart: first('fineTuned') - first('scratch'),
        ...Object.fromEntries(ways.map((way) => [`${way}Accuracy`, last(way)])),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'test-accuracy',
          title: `Test accuracy on the second half, from ${settings.perClass} images of each class`,
          x: { label: 'steps' },
          y: { label: 'percent' },
          series: ways.map((way) => ({ name: way, points: courses[way]! })),
        },
      ],
    };
  },
});

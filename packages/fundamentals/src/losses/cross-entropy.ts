/**
 * Why classifiers are trained by cross-entropy and not by squared error. Solla, Levin and Fleisher 1988.
 *
 *     cross-entropy      −log p_y                ∂/∂z = p − q                          q the label as 0s and a 1
 *     squared error      Σ (p − q)²              ∂/∂z = 2 p ⊙ ((p − q) − ⟨p, p − q⟩)
 *
 * Where the net is confidently wrong (p_y ≈ 0) cross-entropy has its largest gradient, and squared error has nearly none:
 * the factor p kills it. One sigmoid at z = −5 with label 1 shows that: slopes of −0.9933 and −0.0132.
 *
 * A net of one hidden layer is trained with both, from usual first weights and from an output layer whose weights are so
 * large that nearly every answer is confident and nine in ten of them are wrong. Each loss has its best rate.
 */
import { tf } from '@milestones/backend';
import {
  binaryCrossEntropyLoss,
  crossEntropyLoss,
  Dense,
  fanInUniform,
  meanSquaredErrorLoss,
  Module,
  option,
  positiveInteger,
  positiveNumber,
  SGD,
} from '@milestones/core';
import * as v from 'valibot';
import { bestRate, edgeOfGrid, rateGrid } from '../best-rate.ts';
import { defineExperiment, type Outcome } from '../experiment.ts';
import { ImageRows } from '../image-rows.ts';
import { trainEpochs, updatesPerEpoch } from '../train-epochs.ts';

const schema = v.strictObject({
  images: option(v.picklist(['digits', 'mnist', 'fashion']), 'mnist', 'the images; digits are generated'),
  count: option(positiveInteger, 60_000, 'training images'),
  testCount: option(positiveInteger, 10_000, 'test images'),
  hidden: option(positiveInteger, 100, 'units of the hidden layer'),
  batchSize: option(positiveInteger, 128, 'B, images in a mini-batch'),
  epochs: option(positiveInteger, 5, 'epochs'),
  wrongScale: option(positiveNumber, 30, 'how much larger the output weights of the confident start are'),
  crossEntropyRates: option(rateGrid, [0.03, 0.1, 0.3, 1], 'rates under cross-entropy'),
  squaredErrorRates: option(rateGrid, [0.1, 0.3, 1, 3], 'rates under squared error'),
});

const losses = {
  crossEntropy: (logits: tf.Tensor, labels: tf.Tensor1D): tf.Tensor => crossEntropyLoss(logits, labels),
  squaredError: (logits: tf.Tensor, labels: tf.Tensor1D): tf.Tensor => {
    const target = tf.cast(tf.oneHot(labels, logits.shape[1]!), 'float32'); // [B, K]
    return tf.mean(tf.sum(meanSquaredErrorLoss(tf.softmax(logits), target, { reduction: 'none' }), 1));
  },
};
type Name = keyof typeof losses;
const names = Object.keys(losses) as Name[];
const starts = ['usual', 'confident'] as const;

/** P → H sigmoid → K. */
class Net extends Module {
  readonly hidden: Dense;
  readonly output: Dense;

  constructor(pixels: number, hidden: number, classes: number, scale: number) {
    super();
    this.hidden = new Dense(pixels, hidden);
    const larger = (shape: readonly number[], random: Parameters<ReturnType<typeof fanInUniform>>[1]): tf.Tensor =>
      tf.mul(fanInUniform()(shape, random), scale);
    this.output = new Dense(hidden, classes, { weightInitializer: larger });
  }

  /** Images [B, P] → logits [B, K]. */
  forward(images: tf.Tensor2D): tf.Tensor2D {
    return this.output.forward(tf.sigmoid(this.hidden.forward(images))) as tf.Tensor2D;
  }
}

/** Share of wrong answers, in percent. */
function errorOf(model: Net, rows: ImageRows): number {
  let wrong = 0;
  for (const { images, labels } of rows.everything()) {
    wrong += tf.tidy(() => {
      const found = tf.cast(tf.argMax(model.forward(images), 1), 'int32');
      return tf.sum(tf.cast(tf.notEqual(found, labels), 'float32')).dataSync()[0]!;
    });
    tf.dispose([images, labels]);
  }
  return (100 * wrong) / rows.count;
}

/** ∂/∂z of both losses for one sigmoid at z whose label is 1. */
export function slopesWhenWrong(z: number): Record<Name, number> {
  return tf.tidy(() => {
    const slope = (loss: (logit: tf.Tensor) => tf.Tensor): number =>
      tf
        .grad(loss)(tf.tensor1d([z]))
        .dataSync()[0]!;
    const one = tf.ones([1]);
    return {
      crossEntropy: slope((logit) => binaryCrossEntropyLoss(logit, one)),
      squaredError: slope((logit) => meanSquaredErrorLoss(tf.sigmoid(logit), one)),
    };
  });
}

export const crossEntropy = defineExperiment({
  name: 'cross-entropy',
  title: 'Cross-entropy against squared error for classification',
  paper: 'Solla et al. 1988',
  claim: 'a net that starts confidently wrong learns under cross-entropy and stays behind under squared error',
  schema,
  presets: {
    quick: {
      why: 'generated digits and a small net',
      minutes: 0.06,
      set: {
        images: 'digits',
        count: 512,
        testCount: 256,
        hidden: 32,
        batchSize: 32,
        epochs: 12,
        crossEntropyRates: [0.3, 1],
        squaredErrorRates: [1, 3],
      },
      targets: [
        {
          metric: 'leadConfident',
          claim: 'confident start: test accuracy, cross-entropy over squared error, in points',
          expected: [3, null],
        },
        toFourDigits('crossEntropySlope', 'slope of cross-entropy for one sigmoid at −5 with label 1', -0.9933),
        toFourDigits(
          'squaredErrorSlope',
          'the same of squared error: it hardly learns from its worst mistakes',
          -0.0132,
        ),
      ],
    },
    laptop: {
      why: 'MNIST, 100 hidden units, five epochs, four rates for each loss',
      minutes: 2.5,
      targets: [
        {
          metric: 'leadConfident',
          claim: 'confident start: test accuracy, cross-entropy over squared error, in points',
          expected: [1, null],
        },
        {
          metric: 'leadUsual',
          claim: 'usual start: the same; with its best rate squared error is no worse by much',
          expected: [-0.5, null],
        },
        toFourDigits('crossEntropySlope', 'slope of cross-entropy for one sigmoid at −5 with label 1', -0.9933),
        toFourDigits(
          'squaredErrorSlope',
          'the same of squared error: it hardly learns from its worst mistakes',
          -0.0132,
        ),
      ],
    },
  },
  size: ({ count, hidden, batchSize, epochs, crossEntropyRates, squaredErrorRates }) => ({
    parameters: new Net(784, hidden, 10, 1).parameterCount(),
    steps:
      starts.length *
      (crossEntropyRates.length + squaredErrorRates.length) *
      epochs *
      updatesPerEpoch(count, batchSize),
  }),

  async run(settings, context): Promise<Outcome> {
    const { hidden, batchSize, epochs, wrongScale } = settings;
    const { seed } = context;
    const rows = new ImageRows(await context.data.images(settings.images, 'train', settings.count));
    const test = new ImageRows(await context.data.images(settings.images, 'test', settings.testCount));
    const train = async (name: Name, scale: number, rate: number): Promise<number[]> => {
      const model = new Net(rows.pixels, hidden, rows.classes, scale).initialize(seed);
      const loss = (images: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor => losses[name](model.forward(images), labels);
      const evaluate = async (): Promise<number> => errorOf(model, test);
      const errors = await trainEpochs({
        model,
        loss,
        optimizer: new SGD(),
        rate: () => rate,
        rows,
        batchSize,
        epochs,
        seed,
        context,
        evaluate,
      });
      model.dispose();
      return errors;
    };
    const notes: string[] = [];
    const curves: Record<string, number[]> = {};
    for (const start of starts) {
      for (const name of names) {
        const rates = settings[`${name}Rates`];
        const tried: [number, number[]][] = [];
        for (const rate of rates) {
          const run = (): Promise<number[]> => train(name, start === 'usual' ? 1 : wrongScale, rate);
          tried.push([rate, await context.part(`${start} ${name} ${rate}`, run)]);
        }
        const [rate, curve] = bestRate(tried, (errors) => errors.at(-1)!);
        notes.push(`${start} start, ${name}: rate ${rate}${edgeOfGrid(rate, rates)}.`);
        curves[`${name} ${start}`] = curve.map((error) => 100 - error);
      }
    }
    const last = (name: Name, start: (typeof starts)[number]): number => curves[`${name} ${start}`]!.at(-1)!;
    const slopes = slopesWhenWrong(-5);
    return {
      metrics: {
        leadConfident: last('crossEntropy', 'confident') - last('squaredError', 'confident'),
        leadUsual: last('crossEntropy', 'usual') - last('squaredError', 'usual'),
        crossEntropyAccuracy: last('crossEntropy', 'usual'),
        squaredErrorAccuracy: last('squaredError', 'usual'),
        crossEntropySlope: slopes.crossEntropy,
        squaredErrorSlope: slopes.squaredError,
      },
      drawings: [
        {
          kind: 'lines',
          name: 'accuracy',
          title: 'Test accuracy, from usual (dashed) and confidently wrong first weights',
          x: { label: 'epoch' },
          y: { label: 'percent' },
          series: Object.entries(curves).map(([name, curve]) => ({
            name,
            style: name.endsWith('usual') ? ('dashed' as const) : ('line' as const),
            points: curve.map((value, epoch) => [epoch + 1, value] as const),
          })),
        },
        {
          kind: 'lines',
          name: 'slopes',
          title: 'How hard one sigmoid with label 1 is pulled',
          x: { label: 'z' },
          y: { label: '−∂loss/∂z' },
          series: names.map((name) => ({
            name,
            points: Array.from({ length: 61 }, (_, at) => [at / 5 - 6, -slopesWhenWrong(at / 5 - 6)[name]] as const),
          })),
        },
      ],
      notes,
    };
  },
});

/** A slope to its fourth digit. */
function toFourDigits(metric: string, claim: string, value: number) {
  return {
    metric,
    claim,
    published: value,
    source: 'closed form',
    expected: [value - 5e-5, value + 5e-5] as [number, number],
  };
}

/**
 * Cross-validation: every example validates once. Stone 1974; Kohavi 1995.
 *
 * k-fold: the examples in k parts; k times train on all but one and test on that one. Stratified: each class is spread evenly
 * over the parts, counts differ by at most 1. Leave-one-out is k = N, and for ridge regression it costs nothing:
 *
 *     ŷ = H y,  H = X (Xᵀ X + λ I)⁻¹ Xᵀ        error at i, were it left out = (yᵢ − ŷᵢ) / (1 − Hᵢᵢ)
 *
 * because taking out row i changes Xᵀ X by one product (Sherman and Morrison 1950). Here by the formula, and by training N
 * times. Then stratified 10-fold validation of a ridge classifier is compared with a test set, and chooses λ.
 * Dimensions: N examples, D inputs, K classes.
 */
import {
  nonNegativeInteger,
  option,
  positiveInteger,
  positiveNumber,
  stratifiedFolds,
  type Fold,
} from '@milestones/core';
import type { ImageDataset } from '@milestones/datasets';
import * as v from 'valibot';
import { imageSet } from '../data.ts';
import { defineExperiment, type Outcome, type Target } from '../experiment.ts';
import { addDiagonal, multiply, solvePositive, transpose, type Matrix } from '../matrices.ts';
import { thumbnails } from '../thumbnails.ts';

const schema = v.strictObject({
  images: option(imageSet, 'mnist', 'data set'),
  trainImages: option(positiveInteger, 2000, 'images to choose from and train on'),
  testImages: option(positiveInteger, 10_000, 'images to test on'),
  blocks: option(positiveInteger, 7, 'an image becomes blocks × blocks means'),
  folds: option(positiveInteger, 10, 'k'),
  leftOut: option(positiveInteger, 100, 'N of leave-one-out'),
  penalty: option(positiveNumber, 0.3, 'λ of leave-one-out, and of the one fold'),
  fold: option(v.nullable(nonNegativeInteger), null, 'also validate on this fold alone; a sweep goes over all of them'),
});

/** λ from which validation chooses. */
const penalties = [0.001, 0.01, 0.1, 1, 10, 100, 1000];

/** Weights [D, K] of ridge regression: (Xᵀ X + λ I)⁻¹ Xᵀ Y. */
export function ridge(inputs: Matrix, targets: Matrix, penalty: number): Matrix {
  const across = transpose(inputs);
  return solvePositive(addDiagonal(multiply(across, inputs), penalty), multiply(across, targets));
}

/** Errors [N] of leaving out one example at a time: by training N times, and by the closed form. */
export function leaveOneOut(inputs: Matrix, targets: Matrix, penalty: number): { trained: number[]; closed: number[] } {
  const trained = inputs.map((row, left) => {
    const others = (matrix: Matrix): Matrix => matrix.filter((_, index) => index !== left);
    const weights = ridge(others(inputs), others(targets), penalty);
    return targets[left]![0]! - multiply([row], weights)[0]![0]!;
  });
  const across = transpose(inputs);
  const hat = multiply(inputs, solvePositive(addDiagonal(multiply(across, inputs), penalty), across)); // H [N, N]
  const fitted = multiply(hat, targets);
  const closed = targets.map(([y], index) => (y! - fitted[index]![0]!) / (1 - hat[index]![index]!));
  return { trained, closed };
}

/** Inputs with a 1 for the bias, and one-hot targets. */
interface Examples {
  inputs: Matrix;
  targets: Matrix;
  labels: ArrayLike<number>;
}

function examplesOf(dataset: ImageDataset, blocks: number): Examples {
  const { labels, classNames } = dataset;
  return {
    inputs: thumbnails(dataset, blocks).map((row) => [...row, 1]),
    targets: Array.from(labels, (label) => classNames.map((_, index) => Number(index === label))),
    labels,
  };
}

/** Share of `chosen` examples whose largest output is their label's, in percent. */
function accuracy({ inputs, labels }: Examples, weights: Matrix, chosen?: Uint32Array): number {
  const rows = chosen === undefined ? [...inputs.keys()] : [...chosen];
  const right = rows.filter((row) => {
    const outputs = multiply([inputs[row]!], weights)[0]!;
    return outputs.indexOf(Math.max(...outputs)) === labels[row];
  });
  return (100 * right.length) / rows.length;
}

/** Accuracies of the folds. */
function validate(examples: Examples, folds: readonly Fold[], penalty: number): number[] {
  return folds.map(({ train, validation }) => {
    const pick = (matrix: Matrix): Matrix => Array.from(train, (row) => matrix[row]!);
    return accuracy(examples, ridge(pick(examples.inputs), pick(examples.targets), penalty), validation);
  });
}

/** Over classes, how far the folds' counts differ at most. */
function largestSpread(labels: ArrayLike<number>, classes: number, folds: readonly Fold[]): number {
  const spreads = Array.from({ length: classes }, (_, label) => {
    const counts = folds.map(({ validation }) => validation.filter((row) => labels[row] === label).length);
    return Math.max(...counts) - Math.min(...counts);
  });
  return Math.max(...spreads);
}

const targets: [Target, ...Target[]] = [
  {
    metric: 'leaveOneOutGap',
    claim: 'leave-one-out: N trainings against residual / (1 − h), largest difference',
    expected: [0, 1e-9],
  },
  { metric: 'largestSpread', claim: 'images of a class in a fold: largest less smallest', expected: [0, 1] },
  { metric: 'estimateError', claim: 'validation less test accuracy, in standard errors of the two', expected: [-3, 3] },
  { metric: 'regret', claim: 'test accuracy of the best λ less that of the λ chosen, points', expected: [0, 1] },
];

export const kFoldValidation = defineExperiment({
  name: 'k-fold-validation',
  title: 'Stratified folds, and leave-one-out by its closed form',
  paper: 'Stone 1974; Kohavi 1995',
  claim:
    'leave-one-out of ridge regression is residual / (1 − h); ten stratified folds foretell the test accuracy and choose λ',
  schema,
  presets: {
    quick: {
      why: 'generated digits, 5×5',
      minutes: 0.03,
      set: { images: 'digits', trainImages: 300, testImages: 1000, blocks: 5, leftOut: 60 },
      targets,
    },
    laptop: { why: '2,000 images of MNIST, shrunk to 7×7', minutes: 0.1, targets },
  },
  size: ({ blocks }) => ({ parameters: 10 * (blocks ** 2 + 1), steps: 1 + penalties.length }),

  async run(settings, context): Promise<Outcome> {
    const { images, blocks, folds: count, leftOut, penalty } = settings;
    const dataset = await context.data.images(images, 'train', settings.trainImages);
    const train = examplesOf(dataset, blocks);
    const test = examplesOf(await context.data.images(images, 'test', settings.testImages), blocks);
    const few = train.inputs.slice(0, leftOut);
    const { trained, closed } = leaveOneOut(few, train.targets.slice(0, leftOut), penalty);
    context.advance();
    const folds = stratifiedFolds(train.labels, count, context.random('folds'));
    const alone = settings.fold === null ? undefined : folds[settings.fold];
    if (settings.fold !== null && alone === undefined) {
      throw new Error(`k-fold-validation: fold ${settings.fold} arrived; the ${count} folds are 0 to ${count - 1}.`);
    }
    const found = penalties.map((lambda) => {
      const accuracies = validate(train, folds, lambda);
      const validation = accuracies.reduce((sum, each) => sum + each, 0) / count;
      context.advance({ validation });
      return { lambda, validation, test: accuracy(test, ridge(train.inputs, train.targets, lambda)) };
    });
    const chosen = found.reduce((best, each) => (each.validation > best.validation ? each : best));
    // Of a share of right answers p among N: √(p (1 − p) / N), in percent.
    const error = (percent: number, n: number): number => Math.sqrt((percent * (100 - percent)) / n);
    const both = Math.hypot(error(chosen.validation, train.labels.length), error(chosen.test, test.labels.length));
    return {
      metrics: {
        leaveOneOutGap: Math.max(...trained.map((value, index) => Math.abs(value - closed[index]!))),
        largestSpread: largestSpread(train.labels, dataset.classNames.length, folds),
        validationAccuracy: chosen.validation,
        testAccuracy: chosen.test,
        estimateError: (chosen.validation - chosen.test) / both,
        chosenPenalty: chosen.lambda,
        regret: Math.max(...found.map((each) => each.test)) - chosen.test,
        ...(alone !== undefined && { foldAccuracy: validate(train, [alone], penalty)[0]! }),
      },
      drawings: [
        {
          kind: 'lines',
          name: 'penalties',
          title: `Accuracy by ${count} folds and on new images`,
          x: { label: 'λ', scale: 'log' },
          y: { label: 'percent' },
          series: [
            { name: 'validation', points: found.map((each) => [each.lambda, each.validation]) },
            { name: 'test', style: 'dashed', points: found.map((each) => [each.lambda, each.test]) },
          ],
        },
      ],
    };
  },
});

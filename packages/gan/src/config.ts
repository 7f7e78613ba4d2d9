/**
 * One schema for the whole milestone: it makes the types, the defaults, the command's flags and their help. The defaults
 * are the configuration that the authors published for MNIST.
 */
import { finiteNumber, fraction, option, positiveInteger, positiveNumber, wholeNumber } from '@milestones/core';
import * as v from 'valibot';

const atLeast = (least: number) => v.pipe(wholeNumber, v.minValue(least));

/** The networks of 2014. */
export const modelSchema = v.strictObject({
  noiseSize: option(positiveInteger, 100, 'Z, numbers of noise per image'),
  noise: option(
    v.picklist(['uniform', 'gaussian']),
    'uniform',
    'uniform: U(−√3, √3), as in the published configuration, or gaussian: N(0, 1); both have variance 1',
  ),
  generatorHidden: option(
    v.pipe(v.array(positiveInteger), v.minLength(1)),
    [1200, 1200],
    'ReLU units of the generator’s layers',
  ),
  discriminatorUnits: option(
    v.pipe(v.array(positiveInteger), v.minLength(1)),
    [240, 240],
    'maxout units of the discriminator’s layers',
  ),
  pieces: option(atLeast(2), 5, 'affine pieces of a maxout unit'),
  inputDropout: option(fraction, 0.2, 'probability to drop a pixel before the discriminator'),
  dropout: option(fraction, 0.5, 'probability to drop a unit of the discriminator'),
  imageSize: option(positiveInteger, 28, 'height and width of an image'),
});

/** The networks of 2014, complete. */
export type ModelConfig = v.InferOutput<typeof modelSchema>;
/** The networks of 2014 with everything optional that has a default. */
export type ModelOptions = v.InferInput<typeof modelSchema>;
/** The distribution of the noise. */
export type NoiseKind = ModelConfig['noise'];

/** The convolutional networks of 2015. */
export const dcganSchema = v.strictObject({
  noiseSize: option(positiveInteger, 100, 'Z, numbers of noise per image'),
  noise: option(v.picklist(['uniform', 'gaussian']), 'gaussian', 'uniform: U(−√3, √3), gaussian: N(0, 1)'),
  width: option(positiveInteger, 64, 'channels of the largest feature maps; each halving of the side doubles them'),
  size: option(
    v.pipe(
      atLeast(8),
      v.check((size) => Number.isInteger(Math.log2(size)), 'the side is a power of two, such as 32 or 64'),
    ),
    32,
    'height and width inside the networks; smaller images get a black margin',
  ),
  imageSize: option(positiveInteger, 28, 'height and width of an image'),
  channels: option(v.picklist([1, 3]), 1, '1 for grey images, 3 for colour'),
});

/** The convolutional networks, complete. */
export type DcganConfig = v.InferOutput<typeof dcganSchema>;
/** The convolutional networks with everything optional that has a default. */
export type DcganOptions = v.InferInput<typeof dcganSchema>;

/** How the two networks are trained. Defaults: the published configuration. */
export const trainingSchema = v.strictObject({
  steps: option(positiveInteger, 125_000, 'updates of each network; 500 are an epoch of 50,000 images'),
  batchSize: option(atLeast(2), 100, 'B, real images and generated images per update'),
  objective: option(
    v.picklist(['nonSaturating', 'minimax']),
    'nonSaturating',
    'the generator’s loss: − log D(G(z)), or log(1 − D(G(z)))',
  ),
  optimizer: option(v.picklist(['momentum', 'adam']), 'momentum', 'momentum: gradient descent, as in 2014'),
  learningRate: option(positiveNumber, 0.1, 'learning rate of the first update'),
  rateDecay: option(v.pipe(finiteNumber, v.minValue(1)), 1.000004, 'what the rate is divided by after each update'),
  rateFloor: option(positiveNumber, 1e-6, 'the rate does not fall below'),
  momentum: option(fraction, 0.5, 'momentum of the first epochs'),
  finalMomentum: option(fraction, 0.7, 'momentum at the end of its rise'),
  momentumEpochs: option(atLeast(2), 250, 'epoch at which the rise, a straight line from epoch 1, ends'),
  adamBeta1: option(fraction, 0.5, 'β₁ of Adam; with 0.9 the two networks oscillate'),
  averageDecay: option(
    fraction,
    0,
    'share that a moving average of the generator’s weights keeps at each update; 0: no average',
  ),
  evaluateEvery: option(positiveInteger, 5000, 'steps between evaluations'),
  checkpointEvery: option(positiveInteger, 2500, 'steps between checkpoints'),
  logEvery: option(positiveInteger, 50, 'steps between logged losses'),
  saturation: option(
    positiveNumber,
    0.02,
    'running mean of the discriminator’s loss (at equilibrium ln 4) below which it is reported as saturated',
  ),
});

/** How the two networks are trained, complete. */
export type TrainingConfig = v.InferOutput<typeof trainingSchema>;

/** Where the images come from. */
export const dataSchema = v.strictObject({
  set: option(v.picklist(['mnist', 'fashion', 'digits']), 'mnist', 'digits are generated'),
  validationImages: option(positiveInteger, 10_000, 'the last training images: sigma is chosen on them'),
  generatedTrain: option(positiveInteger, 4000, 'with set digits: images to train on'),
  generatedTest: option(positiveInteger, 1000, 'with set digits: images to test on'),
});

/** Where the images come from, complete. */
export type DataConfig = v.InferOutput<typeof dataSchema>;

/** The Parzen window and the count of classes. */
export const evaluationSchema = v.pipe(
  v.strictObject({
    samples: option(atLeast(10), 10_000, 'generated images that the Parzen window is fitted to'),
    sigmaImages: option(positiveInteger, 1000, 'first validation images, on which sigma is chosen'),
    sigmaLow: option(positiveNumber, 0.1, 'smallest sigma'),
    sigmaHigh: option(positiveNumber, 1, 'largest sigma'),
    sigmaCount: option(atLeast(2), 10, 'sigmas, evenly spaced in their logarithm'),
    classSamples: option(positiveInteger, 10_000, 'generated images whose classes are counted'),
    classifierEpochs: option(positiveInteger, 3, 'epochs of the classifier that counts them'),
    gridImages: option(positiveInteger, 100, 'images in a picture of samples'),
    kMeansIterations: option(positiveInteger, 3, 'experiment parzen: rounds of k-means'),
  }),
  v.forward(
    v.check(
      ({ sigmaLow, sigmaHigh }) => sigmaLow < sigmaHigh,
      ({ input: { sigmaLow, sigmaHigh } }) =>
        `sigmas from ${sigmaLow} to ${sigmaHigh} are none; choose sigmaHigh above sigmaLow`,
    ),
    ['sigmaHigh'],
  ),
);

/** The Parzen window and the count of classes, complete. */
export type EvaluationConfig = v.InferOutput<typeof evaluationSchema>;

/** The one-dimensional experiment of figure 1. */
export const gaussianSchema = v.strictObject({
  mean: option(finiteNumber, 1, 'mean of the data'),
  deviation: option(positiveNumber, 0.5, 'standard deviation of the data'),
  hidden: option(positiveInteger, 32, 'units of each of the two hidden layers, in both networks'),
  batchSize: option(positiveInteger, 256, 'B, real numbers and generated numbers per update'),
  steps: option(positiveInteger, 4000, 'updates of each network'),
  learningRate: option(positiveNumber, 0.0005, 'Adam’s first rate, generator; it falls to 0'),
  discriminatorRate: option(positiveNumber, 0.005, 'the same, discriminator: it must keep up'),
  logEvery: option(positiveInteger, 20, 'steps between logged losses'),
});

/** The one-dimensional experiment, complete. */
export type GaussianConfig = v.InferOutput<typeof gaussianSchema>;

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  experiment: option(
    v.picklist(['images', 'dcgan', 'gaussian', 'parzen']),
    'images',
    'images: the nets of 2014; dcgan; gaussian: figure 1; parzen: calibration of the estimator',
  ),
  model: v.optional(modelSchema, {}),
  dcgan: v.optional(dcganSchema, {}),
  training: v.optional(trainingSchema, {}),
  data: v.optional(dataSchema, {}),
  evaluation: v.optional(evaluationSchema, {}),
  gaussian: v.optional(gaussianSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;

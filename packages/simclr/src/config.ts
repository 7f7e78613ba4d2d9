/**
 * One schema for the whole milestone: it makes the types, the defaults (the paper's for CIFAR-10, appendix B.9), the
 * command's flags and their help.
 */
import {
  completeConfig,
  finiteNumber,
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from '@milestones/core';
import * as v from 'valibot';

const atLeast = (least: number) => v.pipe(wholeNumber, v.minValue(least));
const share = v.pipe(finiteNumber, v.minValue(0), v.maxValue(1));

/** The encoder f and the projection head g. */
export const modelSchema = v.strictObject({
  encoder: option(
    v.picklist(['small', 'resnet18', 'resnet34', 'resnet50']),
    'resnet50',
    'small: a few convolutions; resnet…: with a 3×3 stem and without its pooling, for small images',
  ),
  widths: option(
    v.pipe(v.array(positiveInteger), v.minLength(1)),
    [32, 64, 128, 128, 128],
    'encoder small: channels of its convolutions',
  ),
  strides: option(
    v.pipe(v.array(positiveInteger), v.minLength(1)),
    [2, 2, 1, 2, 1],
    'encoder small: strides of its convolutions; as many as widths',
  ),
  channels: option(v.picklist([1, 3]), 3, '1 for grey images, 3 for colour'),
  head: option(v.picklist(['none', 'linear', 'mlp']), 'mlp', 'projection head between h and the loss'),
  hidden: option(nonNegativeInteger, 0, 'head mlp: hidden units; 0: as many as h has numbers'),
  output: option(positiveInteger, 128, 'numbers of z, with a head'),
  batchNorm: option(v.boolean(), true, 'head mlp: batch norm after its first layer, which then has no bias'),
});

/** Encoder and head, complete. */
export type ModelConfig = v.InferOutput<typeof modelSchema>;
/** Encoder and head with everything optional that has a default. */
export type ModelOptions = v.InferInput<typeof modelSchema>;
/** What lies between h and the loss. */
export type HeadKind = ModelConfig['head'];

/** Named sizes. The counts beside them are exact, and a test counts them. */
export const sizes = {
  /** ResNet-18 with a 3×3 stem: 11,168,832 weights; with its head 512-512-128: 11,497,152 */
  'cifar-18': { encoder: 'resnet18', hidden: 512, batchNorm: false },
  /** ResNet-50 with a 3×3 stem: 23,500,352 weights; with its head 2048-512-128: 24,615,616 */
  'cifar-50': { encoder: 'resnet50', hidden: 512 },
  /** Five convolutions: 388,896 weights; with its head 128-128-128: 421,920 */
  small: { encoder: 'small', batchNorm: false },
} as const satisfies Record<string, ModelOptions>;

/** Name of one of the {@link sizes}. */
export type SimCLRSize = keyof typeof sizes;

/** Completes and checks an architecture. @throws with the field and the remedy */
export function modelConfig(options: ModelOptions | SimCLRSize): ModelConfig {
  if (typeof options === 'string' && !Object.hasOwn(sizes, options)) {
    throw new Error(`SimCLR: there is no size '${options}'; there are: ${Object.keys(sizes).join(', ')}.`);
  }
  const config = completeConfig('SimCLR', modelSchema, typeof options === 'string' ? sizes[options] : options);
  if (config.encoder === 'small' && config.widths.length !== config.strides.length) {
    throw new Error(
      `SimCLR: ${config.widths.length} widths and ${config.strides.length} strides arrived; give one of each per convolution.`,
    );
  }
  return config;
}

/** How two views are made of an image. Defaults: appendix A, with the strength of B.9. */
export const augmentationSchema = v.pipe(
  v.strictObject({
    crop: option(v.boolean(), true, 'cut out a random piece and resize it'),
    color: option(v.boolean(), true, 'change the colours, and leave some images grey'),
    size: option(nonNegativeInteger, 0, 'height and width of a view; 0: as the images'),
    scaleLow: option(v.pipe(positiveNumber, v.maxValue(1)), 0.08, 'smallest share of the area that a piece has'),
    scaleHigh: option(v.pipe(positiveNumber, v.maxValue(1)), 1, 'largest share of the area that a piece has'),
    flipProbability: option(share, 0.5, 'probability to exchange left and right'),
    strength: option(v.pipe(nonNegativeNumber, v.maxValue(2.5)), 0.5, 's, of the change of colours; ImageNet: 1'),
    jitterProbability: option(share, 0.8, 'probability to change the colours'),
    greyProbability: option(share, 0.2, 'probability to leave no colours'),
    blurProbability: option(share, 0, 'probability to blur; ImageNet: 0.5'),
  }),
  v.forward(
    v.check(
      ({ scaleLow, scaleHigh }) => scaleLow <= scaleHigh,
      ({ input: { scaleLow, scaleHigh } }) =>
        `pieces from ${scaleLow} to ${scaleHigh} of the area are none; choose scaleHigh at least scaleLow`,
    ),
    ['scaleHigh'],
  ),
);

/** How two views are made of an image, complete. */
export type AugmentationConfig = v.InferOutput<typeof augmentationSchema>;

/** How a network is trained. Defaults: appendix B.9, 1,000 epochs of CIFAR-10 in batches of 1,024. */
export const trainingSchema = v.pipe(
  v.strictObject({
    steps: option(positiveInteger, 48_000, 'number of updates'),
    batchSize: option(atLeast(2), 1024, 'N, images per update; each is there twice'),
    temperature: option(positiveNumber, 0.5, 'τ, what similarities are divided by'),
    optimizer: option(
      v.picklist(['lars', 'sgd', 'adam']),
      'lars',
      'lars: You et al. 2017, as the authors’ code has it',
    ),
    learningRate: option(positiveNumber, 1, 'highest learning rate, before rateScaling'),
    rateScaling: option(
      v.picklist(['linear', 'squareRoot', 'none']),
      'linear',
      'linear: rate · N / 256; squareRoot: rate · √N; none: rate',
    ),
    warmupSteps: option(nonNegativeInteger, 480, 'steps of linear warm-up; half a cosine follows'),
    momentum: option(fraction, 0.9, 'momentum of lars and sgd'),
    weightDecay: option(nonNegativeNumber, 1e-6, 'L2 decay; batch norm and biases are exempt'),
    workers: option(v.pipe(nonNegativeInteger, v.maxValue(64)), 1, 'threads that make views; changes no number'),
    evaluateEvery: option(positiveInteger, 2400, 'steps between kNN scores'),
    checkpointEvery: option(positiveInteger, 2400, 'steps between checkpoints'),
    logEvery: option(positiveInteger, 20, 'steps between logged losses'),
  }),
  v.forward(
    v.check(
      ({ warmupSteps, steps }) => warmupSteps <= steps,
      ({ input: { warmupSteps, steps } }) =>
        `${warmupSteps} steps of warm-up do not fit into ${steps} steps of training; choose at most ${steps}`,
    ),
    ['warmupSteps'],
  ),
);

/** How a network is trained, complete. */
export type TrainingConfig = v.InferOutput<typeof trainingSchema>;

/** Where the images come from. */
export const dataSchema = v.strictObject({
  set: option(v.picklist(['cifar10', 'shapes']), 'cifar10', 'shapes are generated'),
  trainImages: option(nonNegativeInteger, 0, 'training images, drawn at random; 0: all'),
  heldOutImages: option(
    nonNegativeInteger,
    0,
    'training images that are set apart and take the test images’ place; 0: the test images are used',
  ),
  generatedTrain: option(positiveInteger, 4000, 'generated images to train on'),
  generatedTest: option(positiveInteger, 1000, 'generated images to test on'),
});

/** Where the images come from, complete. */
export type DataConfig = v.InferOutput<typeof dataSchema>;

/** How representations are judged. */
export const evaluationSchema = v.strictObject({
  batchSize: option(positiveInteger, 250, 'images per batch where representations are computed'),
  neighbors: option(positiveInteger, 10, 'k, nearest neighbours that vote'),
  voteTemperature: option(
    nonNegativeNumber,
    0,
    'votes weigh exp(cosine / temperature), Wu et al. 2018: 0.07; 0: equally',
  ),
  probeEpochs: option(positiveInteger, 30, 'epochs of the linear probe'),
  probeBatch: option(positiveInteger, 500, 'images per update of the linear probe'),
  probeRate: option(positiveNumber, 0.01, 'Adam’s highest learning rate for the linear probe'),
  pairs: option(atLeast(2), 500, 'test images of which two views have to find each other'),
  monitorBank: option(positiveInteger, 5000, 'training images that vote in the scores during training'),
  monitorQueries: option(positiveInteger, 1000, 'test images in the scores during training'),
});

/** How representations are judged, complete. */
export type EvaluationConfig = v.InferOutput<typeof evaluationSchema>;

const netPattern = /^(full|crop|color)-(mlp|linear|none)$/;

/** The networks of one run, trained one after the other, from the same seed, on the same images. */
export const experimentSchema = v.strictObject({
  nets: option(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(netPattern, 'a net is a policy and a head, such as full-mlp or crop-linear'))),
      v.minLength(1),
    ),
    ['full-mlp'],
    'nets to train, as policy-head: full (crop and colours), crop or color; mlp, linear or none',
  ),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  model: v.optional(modelSchema, {}),
  augmentation: v.optional(augmentationSchema, {}),
  training: v.optional(trainingSchema, {}),
  data: v.optional(dataSchema, {}),
  evaluation: v.optional(evaluationSchema, {}),
  experiment: v.optional(experimentSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;

/** Completes and checks the configuration of a run. @throws with the field and the remedy */
export function completeRunConfig(options: v.InferInput<typeof configSchema>): RunConfig {
  return completeConfig('simclr', configSchema, options);
}

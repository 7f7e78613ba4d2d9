/**
 * One schema for the whole milestone: it makes the types, the defaults, the command's flags and their help. The defaults
 * are the companion network for CIFAR-10, which a laptop can train; the ImageNet networks are a setting away.
 */
import {
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from '@milestones/core';
import * as v from 'valibot';

/** The ImageNet networks. */
export const alexnetConfigSchema = v.strictObject({
  variant: option(
    v.picklist(['two-tower', 'ungrouped', 'torchvision']),
    'two-tower',
    'two-tower: the paper’s, in two groups; ungrouped: the same in one; torchvision: 64-192-384-256-256',
  ),
  classes: option(v.pipe(wholeNumber, v.minValue(2)), 1000, 'K, number of classes'),
  dropout: option(fraction, 0.5, 'probability to drop, at the first two dense layers'),
});

/** An ImageNet network's configuration, complete. */
export type AlexNetConfig = v.InferOutput<typeof alexnetConfigSchema>;
/** An ImageNet network's configuration with everything optional that has a default. */
export type AlexNetOptions = v.InferInput<typeof alexnetConfigSchema>;

/** The companion network for CIFAR-10 (cuda-convnet's "18 %" net). */
export const cifarNetConfigSchema = v.strictObject({
  activation: option(v.picklist(['relu', 'tanh']), 'relu', 'between the layers'),
  responseNormalization: option(v.boolean(), true, 'local response normalisation after the first two poolings'),
  initialization: option(
    v.picklist(['companion', 'fanIn']),
    'companion',
    'companion: N(0, 1e-4) in the first layer, N(0, 0.01) in the others; fanIn: N(0, 1 / fan)',
  ),
  inputChannels: option(positiveInteger, 3, 'channels of an image'),
  classes: option(v.pipe(wholeNumber, v.minValue(2)), 10, 'K, number of classes'),
});

/** The companion network's configuration, complete. */
export type CifarNetConfig = v.InferOutput<typeof cifarNetConfigSchema>;
/** The companion network's configuration with everything optional that has a default. */
export type CifarNetOptions = v.InferInput<typeof cifarNetConfigSchema>;

/** How a network is trained. Defaults: the companion network's layer files. */
export const trainingSchema = v.pipe(
  v.strictObject({
    steps: option(positiveInteger, 54_600, 'number of updates'),
    batchSize: option(positiveInteger, 128, 'B, images per update'),
    learningRate: option(positiveNumber, 0.001, 'highest learning rate'),
    schedule: option(v.picklist(['steps', 'cosine']), 'steps', 'divided by 10 at the boundaries, or half a cosine'),
    boundaries: option(v.array(positiveInteger), [46_800, 50_700], 'steps at which the rate is divided by 10'),
    warmupSteps: option(nonNegativeInteger, 0, 'steps of linear warm-up (cosine only)'),
    momentum: option(fraction, 0.9, 'momentum of gradient descent'),
    weightDecay: option(nonNegativeNumber, 0.004, 'L2 decay of the convolutions’ weights'),
    classifierDecay: option(nonNegativeNumber, 1, 'L2 decay of the dense layers’ weights'),
    biasRate: option(positiveNumber, 2, 'what the learning rate is multiplied with for biases'),
    biasDecay: option(nonNegativeNumber, 0, 'L2 decay of the biases'),
    augmentation: option(
      v.picklist(['none', 'flip', 'paper']),
      'none',
      'paper: a random piece of 7/8 of the side, mirrored or not, and PCA colour',
    ),
    evaluateEvery: option(positiveInteger, 390, 'steps between evaluations'),
    evaluationBatch: option(positiveInteger, 250, 'images per evaluation batch'),
    trainImagesEvaluated: option(nonNegativeInteger, 5000, 'training images in an evaluation'),
    checkpointEvery: option(positiveInteger, 390, 'steps between checkpoints'),
    logEvery: option(positiveInteger, 10, 'steps between logged batch losses'),
    stopAtTrainError: option(
      v.pipe(nonNegativeNumber, v.maxValue(100)),
      0,
      'a network ends when an evaluation finds this training error, in percent; 0: never',
    ),
  }),
  v.forward(
    v.check(
      ({ schedule, warmupSteps, steps }) => schedule !== 'cosine' || warmupSteps <= steps,
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
  set: option(
    v.picklist(['cifar10', 'digits', 'shapes', 'folder']),
    'cifar10',
    'digits (grey) and shapes are generated; folder: your own images',
  ),
  folder: option(v.string(), '', 'with set folder: holds train/<class>/<image> and test/<class>/<image>'),
  validationImages: option(
    nonNegativeInteger,
    0,
    'the last training images, held out to choose settings by; the test images are then left alone',
  ),
  trainImages: option(nonNegativeInteger, 0, 'images to train on, drawn at random; 0: all'),
  generatedTrain: option(positiveInteger, 4000, 'generated images to train on'),
  generatedTest: option(positiveInteger, 1000, 'generated images to test on'),
  pixelScale: option(
    v.picklist(['bytes', 'deviations']),
    'bytes',
    'what 1 means once the mean is subtracted: a 255th of full strength, or a standard deviation',
  ),
});

/** Where the images come from, complete. */
export type DataConfig = v.InferOutput<typeof dataSchema>;

const netPattern = /^(cifar|cifar-without-lrn|imagenet|(relu|tanh)-\d+(\.\d+)?)$/;

/** The networks of one run, trained one after the other on the same batches. */
export const experimentSchema = v.strictObject({
  nets: option(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.regex(
            netPattern,
            'a net is cifar, cifar-without-lrn, imagenet, relu-<learning rate> or tanh-<learning rate>',
          ),
        ),
      ),
      v.minLength(1),
    ),
    ['cifar'],
    'nets to train one after the other: cifar, cifar-without-lrn, imagenet, relu-<learning rate>, ' +
      'tanh-<learning rate>',
  ),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  cifar: v.optional(cifarNetConfigSchema, {}),
  imagenet: v.optional(alexnetConfigSchema, {}),
  training: v.optional(trainingSchema, {}),
  data: v.optional(dataSchema, {}),
  experiment: v.optional(experimentSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;

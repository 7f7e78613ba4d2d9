/**
 * One schema for the whole milestone: it makes the types, the defaults (the paper's ResNet-20 on CIFAR-10), the command's
 * flags and their help.
 */
import {
  completeConfig,
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from '@milestones/core';
import * as v from 'valibot';

/** Blocks in each stage of the paper's ImageNet networks. He et al. 2015, table 1. */
const imageNetBlocks: Readonly<Record<number, { blocks: readonly number[]; bottleneck: boolean }>> = {
  18: { blocks: [2, 2, 2, 2], bottleneck: false },
  34: { blocks: [3, 4, 6, 3], bottleneck: false },
  50: { blocks: [3, 4, 6, 3], bottleneck: true },
  101: { blocks: [3, 4, 23, 3], bottleneck: true },
  152: { blocks: [3, 8, 36, 3], bottleneck: true },
};

/** The stages of a network: how many blocks each has, and of which kind. */
export function stagesOf({ family, depth }: Pick<ResNetConfig, 'family' | 'depth'>): {
  blocks: readonly number[];
  bottleneck: boolean;
} {
  if (family === 'cifar') return { blocks: [0, 1, 2].map(() => (depth - 2) / 6), bottleneck: false };
  return imageNetBlocks[depth]!;
}

/** The architecture. Defaults are the paper's 20-layer network for CIFAR-10 (section 4.2). */
export const resnetConfigSchema = v.pipe(
  v.strictObject({
    family: option(
      v.picklist(['cifar', 'imagenet', 'imagenet-small']),
      'cifar',
      'cifar: three stages of depth 6n + 2; imagenet: table 1 of the paper; imagenet-small: the same without the ' +
        'shrinking start, for small images',
    ),
    depth: option(positiveInteger, 20, 'number of weight layers: 6n + 2 for cifar; 18, 34, 50, 101 or 152 otherwise'),
    shortcut: option(
      v.picklist(['padding', 'projection', 'none']),
      'padding',
      'where the shape changes: padding is option A, projection option B; none: a plain network',
    ),
    width: option(positiveInteger, 16, 'channels of the first stage; every later stage doubles them'),
    bottleneckStride: option(
      v.picklist(['first', 'middle']),
      'first',
      'which layer of a bottleneck block subsamples; the paper: first (1×1), torchvision: middle (3×3)',
    ),
    inputChannels: option(positiveInteger, 3, 'channels of an image'),
    classes: option(v.pipe(wholeNumber, v.minValue(2)), 10, 'K, number of classes'),
  }),
  v.forward(
    v.check(
      ({ family, depth }) => family !== 'cifar' || (depth >= 8 && (depth - 2) % 6 === 0),
      ({ input: { depth } }) => {
        const below = Math.max(8, Math.floor((depth - 2) / 6) * 6 + 2);
        return `a CIFAR network has 6n + 2 layers and ${depth} is not; choose ${below} or ${below + 6}`;
      },
    ),
    ['depth'],
  ),
  v.forward(
    v.check(
      ({ family, depth }) => family === 'cifar' || imageNetBlocks[depth] !== undefined,
      ({ input: { depth } }) => {
        const depths = Object.keys(imageNetBlocks).join(', ');
        return `the paper has no ImageNet network of ${depth} layers; choose from ${depths}, or family cifar`;
      },
    ),
    ['depth'],
  ),
);

/** The architecture of one network, complete. */
export type ResNetConfig = v.InferOutput<typeof resnetConfigSchema>;

/** The architecture with everything optional that has a default. */
export type ResNetOptions = v.InferInput<typeof resnetConfigSchema>;

const imageNet = { family: 'imagenet', shortcut: 'projection', width: 64, classes: 1000 } as const;

/** Named sizes. The counts beside them are exact, and a test counts them. */
export const sizes = {
  /** 269,722 weights; with projections (option B), here as in the others, 2,752 more. */
  'cifar-20': { depth: 20 },
  /** 464,154 */
  'cifar-32': { depth: 32 },
  /** 658,586 */
  'cifar-44': { depth: 44 },
  /** 853,018 */
  'cifar-56': { depth: 56 },
  /** 1,727,962 */
  'cifar-110': { depth: 110 },
  /** 19,421,274 */
  'cifar-1202': { depth: 1202 },
  /** 11,689,512 */
  'imagenet-18': { ...imageNet, depth: 18 },
  /** 21,797,672 */
  'imagenet-34': { ...imageNet, depth: 34 },
  /** 25,557,032 */
  'imagenet-50': { ...imageNet, depth: 50 },
  /** 44,549,160 */
  'imagenet-101': { ...imageNet, depth: 101 },
  /** 60,192,808 */
  'imagenet-152': { ...imageNet, depth: 152 },
} as const satisfies Record<string, ResNetOptions>;

/** Name of one of the {@link sizes}. */
export type ResNetSize = keyof typeof sizes;

/** Completes and checks an architecture. @throws with the field and the remedy */
export function resnetConfig(options: ResNetOptions | ResNetSize): ResNetConfig {
  if (typeof options === 'string' && !Object.hasOwn(sizes, options)) {
    throw new Error(`ResNet: there is no size '${options}'; there are: ${Object.keys(sizes).join(', ')}.`);
  }
  return completeConfig('ResNet', resnetConfigSchema, typeof options === 'string' ? sizes[options] : options);
}

/** The dense networks of the degradation experiment. Defaults: 50 units, as in targets published for MNIST. */
export const mlpConfigSchema = v.strictObject({
  units: option(positiveInteger, 50, 'width of every hidden layer of the dense networks'),
  batchNorm: option(v.boolean(), true, 'batch norm after every hidden layer, as in the paper’s networks'),
  identityStart: option(
    v.boolean(),
    false,
    'residual blocks begin as the identity: the scale of their last batch norm starts at 0',
  ),
});

/** The dense networks' configuration, complete. */
export type MlpConfig = v.InferOutput<typeof mlpConfigSchema>;

/** How a network is trained. Defaults are the paper's for CIFAR-10 (section 4.2). */
export const trainingSchema = v.pipe(
  v.strictObject({
    steps: option(positiveInteger, 64_000, 'number of updates'),
    batchSize: option(positiveInteger, 128, 'B, images per update'),
    learningRate: option(positiveNumber, 0.1, 'highest learning rate'),
    schedule: option(v.picklist(['steps', 'cosine']), 'steps', 'divided by 10 at the boundaries, or half a cosine'),
    boundaries: option(v.array(positiveInteger), [32_000, 48_000], 'steps at which the rate is divided by 10'),
    warmupSteps: option(nonNegativeInteger, 0, 'steps of linear warm-up (cosine only)'),
    momentum: option(fraction, 0.9, 'momentum of gradient descent'),
    nesterov: option(v.boolean(), false, 'Nesterov’s momentum'),
    weightDecay: option(nonNegativeNumber, 1e-4, 'L2 decay'),
    decayOnly: option(v.picklist(['all', 'matrices']), 'all', 'which weights decay; the paper exempts none'),
    mixUp: option(nonNegativeNumber, 0, 'α of MixUp’s Beta(α, α); 0 switches it off'),
    augmentation: option(
      v.picklist(['none', 'flip', 'cropAndFlip']),
      'cropAndFlip',
      'cropAndFlip: pad by 4, crop at random, mirror every other image',
    ),
    evaluateEvery: option(positiveInteger, 1000, 'steps between evaluations'),
    evaluationBatch: option(positiveInteger, 250, 'images per evaluation batch'),
    trainImagesEvaluated: option(nonNegativeInteger, 5000, 'training images in an evaluation'),
    checkpointEvery: option(positiveInteger, 1000, 'steps between checkpoints'),
    logEvery: option(positiveInteger, 10, 'steps between logged batch losses'),
  }),
  v.forward(
    v.check(
      ({ schedule, warmupSteps, steps }) => schedule !== 'cosine' || warmupSteps <= steps,
      ({ input: { warmupSteps, steps } }) =>
        `${warmupSteps} steps of warm-up do not fit into ${steps} steps of training; choose at most ${steps}`,
    ),
    ['warmupSteps'],
  ),
  v.forward(
    v.check(
      ({ nesterov, momentum }) => !nesterov || momentum > 0,
      'Nesterov’s momentum needs one; choose for example 0.9',
    ),
    ['momentum'],
  ),
);

/** How a network is trained, complete. */
export type TrainingConfig = v.InferOutput<typeof trainingSchema>;

/** Where the images come from. */
export const dataSchema = v.strictObject({
  set: option(v.picklist(['cifar10', 'mnist', 'digits', 'shapes']), 'cifar10', 'digits and shapes are generated'),
  validationImages: option(nonNegativeInteger, 5000, 'training images that are held out, to watch the run by'),
  trainImages: option(nonNegativeInteger, 0, 'images to train on, drawn at random; 0: all'),
  generatedTrain: option(positiveInteger, 4000, 'generated images to train on'),
  generatedTest: option(positiveInteger, 1000, 'generated images to test on'),
});

/** Where the images come from, complete. */
export type DataConfig = v.InferOutput<typeof dataSchema>;

const netPattern = /^(resnet|plain|resnet-mixup|mlp-(plain|residual)-\d+)$/;

/** The networks of one run, trained one after the other on the same batches. */
export const experimentSchema = v.strictObject({
  nets: option(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.regex(netPattern, 'a net is resnet, plain, resnet-mixup, mlp-plain-<depth> or mlp-residual-<depth>'),
        ),
      ),
      v.minLength(1),
    ),
    ['resnet'],
    'nets to train one after the other: resnet, plain (the same without shortcuts), resnet-mixup, ' +
      'mlp-plain-<depth>, mlp-residual-<depth>',
  ),
  mixUp: option(positiveNumber, 1, 'α of resnet-mixup'),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  model: v.optional(resnetConfigSchema, {}),
  mlp: v.optional(mlpConfigSchema, {}),
  training: v.optional(trainingSchema, {}),
  data: v.optional(dataSchema, {}),
  experiment: v.optional(experimentSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;

/**
 * One schema for the whole milestone: it makes the types, the defaults (the paper's ResNet-20 on CIFAR-10), the command's
 * flags and their help.
 */
import { z } from 'zod';

const positive = z.int().min(1);

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
export const resnetConfigSchema = z
  .strictObject({
    family: z
      .enum(['cifar', 'imagenet', 'imagenet-small'])
      .default('cifar')
      .describe(
        'cifar: three stages of depth 6n + 2; imagenet: table 1 of the paper; imagenet-small: the same without the ' +
          'shrinking start, for small images',
      ),
    depth: positive.default(20).describe('number of weight layers: 6n + 2 for cifar; 18, 34, 50, 101 or 152 otherwise'),
    shortcut: z
      .enum(['padding', 'projection', 'none'])
      .default('padding')
      .describe('where the shape changes: padding is option A, projection option B; none: a plain network'),
    width: positive.default(16).describe('channels of the first stage; every later stage doubles them'),
    bottleneckStride: z
      .enum(['first', 'middle'])
      .default('first')
      .describe('which layer of a bottleneck block subsamples; the paper: first (1×1), torchvision: middle (3×3)'),
    inputChannels: positive.default(3).describe('channels of an image'),
    classes: z.int().min(2).default(10).describe('K, number of classes'),
  })
  .superRefine(({ family, depth }, context) => {
    if (family === 'cifar' && (depth < 8 || (depth - 2) % 6 !== 0)) {
      const below = Math.max(8, Math.floor((depth - 2) / 6) * 6 + 2);
      context.addIssue({
        code: 'custom',
        path: ['depth'],
        message: `a CIFAR network has 6n + 2 layers and ${depth} is not; choose ${below} or ${below + 6}`,
      });
    }
    if (family !== 'cifar' && imageNetBlocks[depth] === undefined) {
      const depths = Object.keys(imageNetBlocks).join(', ');
      context.addIssue({
        code: 'custom',
        path: ['depth'],
        message: `the paper has no ImageNet network of ${depth} layers; choose from ${depths}, or family cifar`,
      });
    }
  });

/** The architecture of one network, complete. */
export type ResNetConfig = z.output<typeof resnetConfigSchema>;

/** The architecture with everything optional that has a default. */
export type ResNetOptions = z.input<typeof resnetConfigSchema>;

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
  const result = resnetConfigSchema.safeParse(typeof options === 'string' ? sizes[options] : options);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new Error(`ResNet: ${problems.join('; ')}.`);
  }
  return result.data;
}

/** The dense networks of the degradation experiment. Defaults: 50 units, as in targets published for MNIST. */
export const mlpConfigSchema = z.strictObject({
  units: positive.default(50).describe('width of every hidden layer of the dense networks'),
  batchNorm: z.boolean().default(true).describe('batch norm after every hidden layer, as in the paper’s networks'),
  identityStart: z
    .boolean()
    .default(false)
    .describe('residual blocks begin as the identity: the scale of their last batch norm starts at 0'),
});

/** The dense networks' configuration, complete. */
export type MlpConfig = z.output<typeof mlpConfigSchema>;

/** How a network is trained. Defaults are the paper's for CIFAR-10 (section 4.2). */
export const trainingSchema = z
  .strictObject({
    steps: positive.default(64_000).describe('number of updates'),
    batchSize: positive.default(128).describe('B, images per update'),
    learningRate: z.number().positive().default(0.1).describe('highest learning rate'),
    schedule: z
      .enum(['steps', 'cosine'])
      .default('steps')
      .describe('divided by 10 at the boundaries, or half a cosine'),
    boundaries: z.array(positive).default([32_000, 48_000]).describe('steps at which the rate is divided by 10'),
    warmupSteps: z.int().min(0).default(0).describe('steps of linear warm-up (cosine only)'),
    momentum: z.number().min(0).lt(1).default(0.9).describe('momentum of gradient descent'),
    nesterov: z.boolean().default(false).describe('Nesterov’s momentum'),
    weightDecay: z.number().min(0).default(1e-4).describe('L2 decay'),
    decayOnly: z.enum(['all', 'matrices']).default('all').describe('which weights decay; the paper exempts none'),
    mixUp: z.number().min(0).default(0).describe('α of MixUp’s Beta(α, α); 0 switches it off'),
    augmentation: z
      .enum(['none', 'flip', 'cropAndFlip'])
      .default('cropAndFlip')
      .describe('cropAndFlip: pad by 4, crop at random, mirror every other image'),
    evaluateEvery: positive.default(1000).describe('steps between evaluations'),
    evaluationBatch: positive.default(250).describe('images per evaluation batch'),
    trainImagesEvaluated: z.int().min(0).default(5000).describe('training images in an evaluation'),
    checkpointEvery: positive.default(1000).describe('steps between checkpoints'),
    logEvery: positive.default(10).describe('steps between logged batch losses'),
  })
  .refine(({ schedule, warmupSteps, steps }) => schedule !== 'cosine' || warmupSteps <= steps, {
    path: ['warmupSteps'],
    error: ({ input }) => {
      const { warmupSteps, steps } = input as { warmupSteps: number; steps: number };
      return `${warmupSteps} steps of warm-up do not fit into ${steps} steps of training; choose at most ${steps}`;
    },
  })
  .refine(({ nesterov, momentum }) => !nesterov || momentum > 0, {
    path: ['momentum'],
    error: 'Nesterov’s momentum needs one; choose for example 0.9',
  });

/** How a network is trained, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** Where the images come from. */
export const dataSchema = z.strictObject({
  set: z.enum(['cifar10', 'mnist', 'digits', 'shapes']).default('cifar10').describe('digits and shapes are generated'),
  validationImages: z.int().min(0).default(5000).describe('training images that are held out, to watch the run by'),
  trainImages: z.int().min(0).default(0).describe('images to train on, drawn at random; 0: all'),
  generatedTrain: positive.default(4000).describe('generated images to train on'),
  generatedTest: positive.default(1000).describe('generated images to test on'),
});

/** Where the images come from, complete. */
export type DataConfig = z.output<typeof dataSchema>;

const netPattern = /^(resnet|plain|resnet-mixup|mlp-(plain|residual)-\d+)$/;

/** The networks of one run, trained one after the other on the same batches. */
export const experimentSchema = z.strictObject({
  nets: z
    .array(
      z.string().regex(netPattern, {
        error: 'a net is resnet, plain, resnet-mixup, mlp-plain-<depth> or mlp-residual-<depth>',
      }),
    )
    .min(1)
    .default(['resnet'])
    .describe(
      'nets to train one after the other: resnet, plain (the same without shortcuts), resnet-mixup, ' +
        'mlp-plain-<depth>, mlp-residual-<depth>',
    ),
  mixUp: z.number().positive().default(1).describe('α of resnet-mixup'),
});

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  model: resnetConfigSchema.prefault({}),
  mlp: mlpConfigSchema.prefault({}),
  training: trainingSchema.prefault({}),
  data: dataSchema.prefault({}),
  experiment: experimentSchema.prefault({}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = z.output<typeof configSchema>;

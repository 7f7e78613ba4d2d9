/**
 * One schema for the whole milestone: it makes the types, the defaults, the command's flags and their help. The defaults
 * are the companion network for CIFAR-10, which a laptop can train; the ImageNet networks are a setting away.
 */
import { z } from 'zod';

const positive = z.int().min(1);

/** The ImageNet networks. */
export const alexnetConfigSchema = z.strictObject({
  variant: z
    .enum(['two-tower', 'ungrouped', 'torchvision'])
    .default('two-tower')
    .describe('two-tower: the paper’s, in two groups; ungrouped: the same in one; torchvision: 64-192-384-256-256'),
  classes: z.int().min(2).default(1000).describe('K, number of classes'),
  dropout: z.number().min(0).lt(1).default(0.5).describe('probability to drop, at the first two dense layers'),
});

/** An ImageNet network's configuration, complete. */
export type AlexNetConfig = z.output<typeof alexnetConfigSchema>;
/** An ImageNet network's configuration with everything optional that has a default. */
export type AlexNetOptions = z.input<typeof alexnetConfigSchema>;

/** The companion network for CIFAR-10 (cuda-convnet's "18 %" net). */
export const cifarNetConfigSchema = z.strictObject({
  activation: z.enum(['relu', 'tanh']).default('relu').describe('between the layers'),
  responseNormalization: z
    .boolean()
    .default(true)
    .describe('local response normalisation after the first two poolings'),
  initialization: z
    .enum(['companion', 'fanIn'])
    .default('companion')
    .describe('companion: N(0, 1e-4) in the first layer, N(0, 0.01) in the others; fanIn: N(0, 1 / fan)'),
  inputChannels: positive.default(3).describe('channels of an image'),
  classes: z.int().min(2).default(10).describe('K, number of classes'),
});

/** The companion network's configuration, complete. */
export type CifarNetConfig = z.output<typeof cifarNetConfigSchema>;
/** The companion network's configuration with everything optional that has a default. */
export type CifarNetOptions = z.input<typeof cifarNetConfigSchema>;

/** How a network is trained. Defaults: the companion network's layer files. */
export const trainingSchema = z
  .strictObject({
    steps: positive.default(54_600).describe('number of updates'),
    batchSize: positive.default(128).describe('B, images per update'),
    learningRate: z.number().positive().default(0.001).describe('highest learning rate'),
    schedule: z
      .enum(['steps', 'cosine'])
      .default('steps')
      .describe('divided by 10 at the boundaries, or half a cosine'),
    boundaries: z.array(positive).default([46_800, 50_700]).describe('steps at which the rate is divided by 10'),
    warmupSteps: z.int().min(0).default(0).describe('steps of linear warm-up (cosine only)'),
    momentum: z.number().min(0).lt(1).default(0.9).describe('momentum of gradient descent'),
    weightDecay: z.number().min(0).default(0.004).describe('L2 decay of the convolutions’ weights'),
    classifierDecay: z.number().min(0).default(1).describe('L2 decay of the dense layers’ weights'),
    biasRate: z.number().positive().default(2).describe('what the learning rate is multiplied with for biases'),
    biasDecay: z.number().min(0).default(0).describe('L2 decay of the biases'),
    augmentation: z
      .enum(['none', 'flip', 'paper'])
      .default('none')
      .describe('paper: a random piece of 7/8 of the side, mirrored or not, and PCA colour'),
    evaluateEvery: positive.default(390).describe('steps between evaluations'),
    evaluationBatch: positive.default(250).describe('images per evaluation batch'),
    trainImagesEvaluated: z.int().min(0).default(5000).describe('training images in an evaluation'),
    checkpointEvery: positive.default(390).describe('steps between checkpoints'),
    logEvery: positive.default(10).describe('steps between logged batch losses'),
    stopAtTrainError: z
      .number()
      .min(0)
      .max(100)
      .default(0)
      .describe('a network ends when an evaluation finds this training error, in percent; 0: never'),
  })
  .refine(({ schedule, warmupSteps, steps }) => schedule !== 'cosine' || warmupSteps <= steps, {
    path: ['warmupSteps'],
    error: ({ input }) => {
      const { warmupSteps, steps } = input as { warmupSteps: number; steps: number };
      return `${warmupSteps} steps of warm-up do not fit into ${steps} steps of training; choose at most ${steps}`;
    },
  });

/** How a network is trained, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** Where the images come from. */
export const dataSchema = z.strictObject({
  set: z
    .enum(['cifar10', 'digits', 'shapes', 'folder'])
    .default('cifar10')
    .describe('digits (grey) and shapes are generated; folder: your own images'),
  folder: z.string().default('').describe('with set folder: holds train/<class>/<image> and test/<class>/<image>'),
  validationImages: z
    .int()
    .min(0)
    .default(0)
    .describe('the last training images, held out to choose settings by; the test images are then left alone'),
  trainImages: z.int().min(0).default(0).describe('images to train on, drawn at random; 0: all'),
  generatedTrain: positive.default(4000).describe('generated images to train on'),
  generatedTest: positive.default(1000).describe('generated images to test on'),
  pixelScale: z
    .enum(['bytes', 'deviations'])
    .default('bytes')
    .describe('what 1 means once the mean is subtracted: a 255th of full strength, or a standard deviation'),
});

/** Where the images come from, complete. */
export type DataConfig = z.output<typeof dataSchema>;

const netPattern = /^(cifar|cifar-without-lrn|imagenet|(relu|tanh)-\d+(\.\d+)?)$/;

/** The networks of one run, trained one after the other on the same batches. */
export const experimentSchema = z.strictObject({
  nets: z
    .array(
      z.string().regex(netPattern, {
        error: 'a net is cifar, cifar-without-lrn, imagenet, relu-<learning rate> or tanh-<learning rate>',
      }),
    )
    .min(1)
    .default(['cifar'])
    .describe(
      'nets to train one after the other: cifar, cifar-without-lrn, imagenet, relu-<learning rate>, ' +
        'tanh-<learning rate>',
    ),
});

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  cifar: cifarNetConfigSchema.prefault({}),
  imagenet: alexnetConfigSchema.prefault({}),
  training: trainingSchema.prefault({}),
  data: dataSchema.prefault({}),
  experiment: experimentSchema.prefault({}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = z.output<typeof configSchema>;

/** Completes and checks a configuration. @throws with the field and the remedy */
export function checked<Schema extends z.ZodType>(schema: Schema, where: string, options: unknown): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
  throw new Error(`${where}: ${problems.join('; ')}.`);
}

/**
 * One schema for the whole milestone: it makes the types, the defaults, the command's flags and their help. The defaults
 * are the configuration that the authors published for MNIST.
 */
import { z } from 'zod';

const positive = z.int().min(1);

/** The networks of 2014. */
export const modelSchema = z.strictObject({
  noiseSize: positive.default(100).describe('Z, numbers of noise per image'),
  noise: z
    .enum(['uniform', 'gaussian'])
    .default('uniform')
    .describe('uniform: U(−√3, √3), gaussian: N(0, 1); both have variance 1'),
  generatorHidden: z.array(positive).min(1).default([1200, 1200]).describe('ReLU units of the generator’s layers'),
  discriminatorUnits: z
    .array(positive)
    .min(1)
    .default([240, 240])
    .describe('maxout units of the discriminator’s layers'),
  pieces: z.int().min(2).default(5).describe('affine pieces of a maxout unit'),
  inputDropout: z.number().min(0).lt(1).default(0.2).describe('probability to drop a pixel before the discriminator'),
  dropout: z.number().min(0).lt(1).default(0.5).describe('probability to drop a unit of the discriminator'),
  imageSize: positive.default(28).describe('height and width of an image'),
});

/** The networks of 2014, complete. */
export type ModelConfig = z.output<typeof modelSchema>;
/** The networks of 2014 with everything optional that has a default. */
export type ModelOptions = z.input<typeof modelSchema>;
/** The distribution of the noise. */
export type NoiseKind = ModelConfig['noise'];

/** The convolutional networks of 2015. */
export const dcganSchema = z.strictObject({
  noiseSize: positive.default(100).describe('Z, numbers of noise per image'),
  noise: z.enum(['uniform', 'gaussian']).default('gaussian').describe('uniform: U(−√3, √3), gaussian: N(0, 1)'),
  width: positive.default(64).describe('channels of the largest feature maps; each halving of the side doubles them'),
  size: z
    .int()
    .min(8)
    .refine((size) => Number.isInteger(Math.log2(size)), { error: 'the side is a power of two, such as 32 or 64' })
    .default(32)
    .describe('height and width inside the networks; smaller images get a black margin'),
  imageSize: positive.default(28).describe('height and width of an image'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(1)
    .describe('1 for grey images, 3 for colour'),
});

/** The convolutional networks, complete. */
export type DcganConfig = z.output<typeof dcganSchema>;
/** The convolutional networks with everything optional that has a default. */
export type DcganOptions = z.input<typeof dcganSchema>;

/** How the two networks are trained. Defaults: the published configuration. */
export const trainingSchema = z.strictObject({
  steps: positive.default(125_000).describe('updates of each network; 500 are an epoch of 50,000 images'),
  batchSize: z.int().min(2).default(100).describe('B, real images and generated images per update'),
  objective: z
    .enum(['nonSaturating', 'minimax'])
    .default('nonSaturating')
    .describe('the generator’s loss: − log D(G(z)), or log(1 − D(G(z)))'),
  optimizer: z.enum(['momentum', 'adam']).default('momentum').describe('momentum: gradient descent, as in 2014'),
  learningRate: z.number().positive().default(0.1).describe('learning rate of the first update'),
  rateDecay: z.number().min(1).default(1.000004).describe('what the rate is divided by after each update'),
  rateFloor: z.number().positive().default(1e-6).describe('the rate does not fall below'),
  momentum: z.number().min(0).lt(1).default(0.5).describe('momentum of the first epochs'),
  finalMomentum: z.number().min(0).lt(1).default(0.7).describe('momentum at the end of its rise'),
  momentumEpochs: z.int().min(2).default(250).describe('epoch at which the rise, a straight line from epoch 1, ends'),
  adamBeta1: z.number().min(0).lt(1).default(0.5).describe('β₁ of Adam; with 0.9 the two networks oscillate'),
  evaluateEvery: positive.default(5000).describe('steps between evaluations'),
  checkpointEvery: positive.default(2500).describe('steps between checkpoints'),
  logEvery: positive.default(50).describe('steps between logged losses'),
  saturation: z
    .number()
    .positive()
    .default(0.02)
    .describe('running mean of the discriminator’s loss (at equilibrium ln 4) below which it is reported as saturated'),
});

/** How the two networks are trained, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** Where the images come from. */
export const dataSchema = z.strictObject({
  set: z.enum(['mnist', 'fashion', 'digits']).default('mnist').describe('digits are generated'),
  validationImages: positive.default(10_000).describe('the last training images: sigma is chosen on them'),
  generatedTrain: positive.default(4000).describe('with set digits: images to train on'),
  generatedTest: positive.default(1000).describe('with set digits: images to test on'),
});

/** Where the images come from, complete. */
export type DataConfig = z.output<typeof dataSchema>;

/** The Parzen window and the count of classes. */
export const evaluationSchema = z
  .strictObject({
    samples: z.int().min(10).default(10_000).describe('generated images that the Parzen window is fitted to'),
    sigmaImages: positive.default(1000).describe('first validation images, on which sigma is chosen'),
    sigmaLow: z.number().positive().default(0.1).describe('smallest sigma'),
    sigmaHigh: z.number().positive().default(1).describe('largest sigma'),
    sigmaCount: z.int().min(2).default(10).describe('sigmas, evenly spaced in their logarithm'),
    classSamples: positive.default(10_000).describe('generated images whose classes are counted'),
    classifierEpochs: positive.default(3).describe('epochs of the classifier that counts them'),
    gridImages: positive.default(100).describe('images in a picture of samples'),
    kMeansIterations: positive.default(3).describe('experiment parzen: rounds of k-means'),
  })
  .refine(({ sigmaLow, sigmaHigh }) => sigmaLow < sigmaHigh, {
    path: ['sigmaHigh'],
    error: ({ input }) => {
      const { sigmaLow, sigmaHigh } = input as { sigmaLow: number; sigmaHigh: number };
      return `sigmas from ${sigmaLow} to ${sigmaHigh} are none; choose sigmaHigh above sigmaLow`;
    },
  });

/** The Parzen window and the count of classes, complete. */
export type EvaluationConfig = z.output<typeof evaluationSchema>;

/** The one-dimensional experiment of figure 1. */
export const gaussianSchema = z.strictObject({
  mean: z.number().default(1).describe('mean of the data'),
  deviation: z.number().positive().default(0.5).describe('standard deviation of the data'),
  hidden: positive.default(32).describe('units of each of the two hidden layers, in both networks'),
  batchSize: positive.default(256).describe('B, real numbers and generated numbers per update'),
  steps: positive.default(4000).describe('updates of each network'),
  learningRate: z.number().positive().default(0.0005).describe('Adam’s first rate, generator; it falls to 0'),
  discriminatorRate: z.number().positive().default(0.005).describe('the same, discriminator: it must keep up'),
  logEvery: positive.default(20).describe('steps between logged losses'),
});

/** The one-dimensional experiment, complete. */
export type GaussianConfig = z.output<typeof gaussianSchema>;

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  experiment: z
    .enum(['images', 'dcgan', 'gaussian', 'parzen'])
    .default('images')
    .describe('images: the nets of 2014; dcgan; gaussian: figure 1; parzen: calibration of the estimator'),
  model: modelSchema.prefault({}),
  dcgan: dcganSchema.prefault({}),
  training: trainingSchema.prefault({}),
  data: dataSchema.prefault({}),
  evaluation: evaluationSchema.prefault({}),
  gaussian: gaussianSchema.prefault({}),
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

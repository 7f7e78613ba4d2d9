/** One schema for the whole milestone: it makes the types, the defaults (the paper's), the command's flags and their help. */
import { z } from 'zod';

const positive = z.int().min(1);
const rate = z.number().min(0).lt(1);

/** The architecture. Defaults are BERT-base, uncased (Devlin et al. 2018, section 3). */
export const bertConfigSchema = z
  .strictObject({
    vocabularySize: positive.default(30522).describe('V, number of tokens'),
    contextLength: positive.default(512).describe('T, longest sequence that the model sees'),
    segments: positive.default(2).describe('number of segments; the release says 16 in its code and 2 in its models'),
    features: positive.default(768).describe('C, width'),
    layers: positive.default(12).describe('number of blocks'),
    heads: positive.default(12).describe('N, attention heads per block; must divide features'),
    hidden: z.int().min(0).default(0).describe('width of the feed-forward layers; 0: 4 · features'),
    activation: z
      .enum(['gelu', 'geluTanh'])
      .default('geluTanh')
      .describe('geluTanh: as released; gelu: the exact form, which copies on the hub are read with'),
    dropout: rate.default(0.1).describe('probability to drop, in embeddings, attention and blocks'),
    initialDeviation: z
      .number()
      .positive()
      .default(0.02)
      .describe('standard deviation of the first weights; 0.02 is made for 768 features, and slow for few'),
    normEpsilon: z.number().positive().default(1e-12).describe('added to the variance in layer norms'),
  })
  .refine((config) => config.features % config.heads === 0, {
    path: ['features'],
    error: ({ input }) => {
      const { features, heads } = input as { features: number; heads: number };
      return `${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ${Math.ceil(features / heads) * heads}`;
    },
  });

/** The architecture of one model, complete. */
export type BertConfig = z.output<typeof bertConfigSchema>;
/** The architecture with everything optional that has a default. */
export type BertOptions = z.input<typeof bertConfigSchema>;

/** Named sizes (Devlin et al. 2018; Turc et al. 2019). Counts of encoder and pooler are exact, and a test counts them. */
export const sizes = {
  /** 4,385,920 weights. */
  tiny: { layers: 2, features: 128, heads: 2 },
  /** 11,170,560. */
  mini: { layers: 4, features: 256, heads: 4 },
  /** 28,763,648. */
  small: { layers: 4, features: 512, heads: 8 },
  /** 41,373,184. */
  medium: { layers: 8, features: 512, heads: 8 },
  /** 109,482,240. */
  base: {},
  /** 335,141,888. */
  large: { layers: 24, features: 1024, heads: 16 },
} as const satisfies Record<string, BertOptions>;

/** Name of one of the {@link sizes}. */
export type BertSize = keyof typeof sizes;

/** Completes and checks an architecture. @throws with the field and the remedy */
export function bertConfig(options: BertOptions | BertSize): BertConfig {
  if (typeof options === 'string' && !Object.hasOwn(sizes, options)) {
    throw new Error(`Bert: there is no size '${options}'; there are: ${Object.keys(sizes).join(', ')}.`);
  }
  const result = bertConfigSchema.safeParse(typeof options === 'string' ? sizes[options] : options);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new Error(`Bert: ${problems.join('; ')}.`);
  }
  return result.data;
}

/** The optimizer, as released: Adam without bias correction, decoupled decay, linear warm-up and decay. */
const optimizerShape = {
  batchSize: positive.default(32).describe('B, sequences per update'),
  learningRate: z.number().positive().default(1e-4).describe('highest learning rate'),
  warmup: z.number().min(0).max(1).default(0.1).describe('share of the steps in which the rate rises'),
  weightDecay: z.number().min(0).default(0.01).describe('decoupled weight decay; not of biases and layer norms'),
  clipNorm: z.number().min(0).default(1).describe('largest global norm of the gradients; 0 switches clipping off'),
  biasCorrection: z.boolean().default(false).describe("Adam's bias correction; the release has none"),
};

/** Pre-training (section 3.1). */
export const pretrainingSchema = z.strictObject({
  ...optimizerShape,
  steps: z.int().min(0).default(1_000_000).describe('number of updates; 0 trains nothing'),
  length: positive.default(128).describe('T, tokens per sequence'),
  maskRate: z.number().gt(0).lt(1).default(0.15).describe('share of the tokens that are to be guessed'),
  masking: z
    .enum(['dynamic', 'fixed'])
    .default('dynamic')
    .describe(
      'dynamic: other tokens each time a sequence comes; fixed: the same, as in the release with one duplicate',
    ),
  nextSentence: z.boolean().default(false).describe('also learn whether two parts follow each other'),
});

/** Fine-tuning (section 4). */
export const fineTuningSchema = z.strictObject({
  ...optimizerShape,
  epochs: positive.default(3).describe('times through the labels'),
  minimumSteps: z.int().min(0).default(0).describe('least number of updates, where labels are few'),
  length: positive.default(64).describe('longest sequence; longer ones are cut'),
  labelShares: z
    .array(z.number().gt(0).max(1))
    .default([1])
    .describe('shares of the labels to fine-tune with, one after the other'),
  seeds: positive.default(1).describe('fine-tunings of each kind, with other seeds'),
  baseline: z.boolean().default(true).describe('also fine-tune the same net from random weights'),
  lstm: z.boolean().default(false).describe('also train an LSTM on the same labels'),
  baselineLearningRate: z
    .number()
    .positive()
    .default(1e-3)
    .describe('highest learning rate from random weights and of the LSTM'),
});

/** The data. */
export const dataSchema = z.strictObject({
  corpus: z
    .enum(['generated', 'wikitext-2+sst-2', 'file'])
    .default('wikitext-2+sst-2')
    .describe('text to pre-train on'),
  file: z.string().default('').describe('path of a text file of your own (corpus file)'),
  task: z.enum(['generated', 'sst-2', 'file']).default('sst-2').describe('labelled texts to fine-tune on'),
  train: z.string().default('').describe('path of a TSV file of your own (task file)'),
  validation: z.string().default('').describe('path of the TSV file to validate on (task file)'),
  first: z.string().default('sentence').describe('column of the text'),
  second: z.string().default('').describe('column of the other text of a pair; empty: single texts'),
  label: z.string().default('label').describe('column of the label'),
  classes: z.array(z.string()).default(['0', '1']).describe('the classes as the label column writes them'),
  from: z.string().default('').describe('folder or hub name of a BERT to start from, in place of pre-training'),
});

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  model: bertConfigSchema.prefault({ ...sizes.tiny }),
  data: dataSchema.prefault({}),
  pretraining: pretrainingSchema.prefault({}),
  fineTuning: fineTuningSchema.prefault({ learningRate: 5e-5 }),
  checkpointEvery: positive.default(500).describe('pre-training steps between checkpoints'),
  logEvery: positive.default(50).describe('pre-training steps between logged losses'),
});

/** The whole configuration of a run, complete. */
export type RunConfig = z.output<typeof configSchema>;
/** How a model is pre-trained, complete. */
export type PretrainingConfig = z.output<typeof pretrainingSchema>;
/** How a model is fine-tuned, complete. */
export type FineTuningConfig = z.output<typeof fineTuningSchema>;

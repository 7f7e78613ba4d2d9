/**
 * One schema for the whole milestone: it makes the types, the defaults (GPT-2's), the command's flags and their help.
 */
import { z } from 'zod';

const positive = z.int().min(1);

/** The architecture. Defaults are GPT-2's smallest size (Radford et al. 2019, table 2). */
export const gptConfigSchema = z
  .strictObject({
    vocabularySize: positive.default(50257).describe('V, number of tokens'),
    contextLength: positive.default(1024).describe('T, longest sequence that the model sees'),
    features: positive.default(768).describe('C, width of the residual stream'),
    layers: positive.default(12).describe('number of blocks'),
    heads: positive.default(12).describe('N, attention heads per block; must divide features'),
    activation: z
      .enum(['relu', 'gelu', 'geluTanh'])
      .default('geluTanh')
      .describe('activation of the feed-forward layers'),
    bias: z.boolean().default(true).describe('biases in layer norms, output projections and feed-forward layers'),
    attentionBias: z.boolean().default(true).describe('biases of query, key and value'),
    attentionScale: z
      .enum(['headSize', 'features'])
      .default('headSize')
      .describe('attention scores are divided by the root of this; the paper: headSize'),
    headBias: z.boolean().default(false).describe('bias of the output layer; needs tieWeights false'),
    tieWeights: z.boolean().default(true).describe('output layer shares the token embedding'),
    dropout: z.number().min(0).lt(1).default(0.1).describe('probability to drop, in embeddings, attention and blocks'),
    initialization: z
      .enum(['gpt2', 'fanIn'])
      .default('gpt2')
      .describe('gpt2: N(0, 0.02), residual projections / √(2 · layers); fanIn: U(±1/√in), embeddings N(0, 1)'),
  })
  .refine((config) => config.features % config.heads === 0, {
    path: ['features'],
    error: ({ input }) => {
      const { features, heads } = input as { features: number; heads: number };
      const below = Math.floor(features / heads) * heads;
      return `${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ${below > 0 ? `${below} or ` : ''}${below + heads}`;
    },
  })
  .refine((config) => !(config.headBias && config.tieWeights), {
    path: ['headBias'],
    error:
      'an output layer that shares the embedding has no bias of its own; set tieWeights to false or headBias to false',
  });

/** The architecture of one model, complete. */
export type GptConfig = z.output<typeof gptConfigSchema>;

/** The architecture with everything optional that has a default. */
export type GptOptions = z.input<typeof gptConfigSchema>;

const nanoCharacter: GptOptions = {
  vocabularySize: 65,
  activation: 'gelu',
  bias: false,
  attentionBias: false,
  dropout: 0,
};

const lecture: GptOptions = {
  vocabularySize: 65,
  activation: 'relu',
  attentionBias: false,
  // The script divides by √C, not √D, and its published losses depend on it: √D learns faster (0.03 lower at step 500).
  attentionScale: 'features',
  headBias: true,
  tieWeights: false,
  initialization: 'fanIn',
};

/** Named sizes. The counts beside them are exact, and a test counts them. */
export const sizes = {
  /** The first net of the lecture on building a GPT: 209,729 weights. */
  'lecture-small': { ...lecture, contextLength: 32, features: 64, layers: 4, heads: 4, dropout: 0 },
  /** The same script, wider and deeper: 2,697,281. */
  'lecture-medium': { ...lecture, contextLength: 32, features: 192, layers: 6, heads: 6, dropout: 0.1 },
  /** The lecture's last net: 10,788,929. */
  'lecture-large': { ...lecture, contextLength: 256, features: 384, layers: 6, heads: 6, dropout: 0.2 },
  /** nanoGPT's character net for a CPU: 804,096. */
  'nano-cpu': { ...nanoCharacter, contextLength: 64, features: 128, layers: 4, heads: 4 },
  /** nanoGPT's character net for a GPU: 10,745,088. */
  'nano-gpu': { ...nanoCharacter, contextLength: 256, features: 384, layers: 6, heads: 6, dropout: 0.2 },
  /** GPT-2 124M: 124,439,808. */
  gpt2: {},
  /** GPT-2 355M: 354,823,168. */
  'gpt2-medium': { features: 1024, layers: 24, heads: 16 },
  /** GPT-2 774M: 774,030,080. */
  'gpt2-large': { features: 1280, layers: 36, heads: 20 },
  /** GPT-2 1.5B: 1,557,611,200. */
  'gpt2-xl': { features: 1600, layers: 48, heads: 25 },
} as const satisfies Record<string, GptOptions>;

/** Name of one of the {@link sizes}. */
export type GptSize = keyof typeof sizes;

/** Completes and checks an architecture. @throws with the field and the remedy */
export function gptConfig(options: GptOptions | GptSize): GptConfig {
  if (typeof options === 'string' && !Object.hasOwn(sizes, options)) {
    throw new Error(`Gpt: there is no size '${options}'; there are: ${Object.keys(sizes).join(', ')}.`);
  }
  const result = gptConfigSchema.safeParse(typeof options === 'string' ? sizes[options] : options);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new Error(`Gpt: ${problems.join('; ')}.`);
  }
  return result.data;
}

/** How the model is trained. Defaults follow nanoGPT's character configuration for a CPU. */
export const trainingSchema = z
  .strictObject({
    steps: positive.default(2000).describe('number of updates'),
    batchSize: positive.default(12).describe('B, sequences per update'),
    windowLength: z.int().min(0).default(0).describe('T, tokens per training sequence; 0: the context length'),
    learningRate: z.number().positive().default(1e-3).describe('highest learning rate'),
    minimumLearningRate: z.number().min(0).default(1e-4).describe('learning rate at the end of the cosine'),
    schedule: z.enum(['constant', 'cosine']).default('cosine').describe('constant, or warm-up and cosine'),
    warmupSteps: z.int().min(0).default(100).describe('steps of linear warm-up (cosine only)'),
    beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW's decay of the first moment"),
    beta2: z.number().min(0).lt(1).default(0.99).describe("AdamW's decay of the second moment"),
    weightDecay: z.number().min(0).default(0.1).describe('decoupled weight decay'),
    decayOnly: z.enum(['matrices', 'all']).default('matrices').describe('which weights decay'),
    clipNorm: z.number().min(0).default(1).describe('largest global norm of the gradients; 0 switches clipping off'),
    evaluateEvery: positive.default(250).describe('steps between evaluations'),
    evaluateAlsoAt: z.array(z.int().min(0)).default([]).describe('further steps to evaluate at'),
    evaluationBatches: positive.default(20).describe('random batches per split and evaluation'),
    checkpointEvery: positive.default(250).describe('steps between checkpoints'),
    logEvery: positive.default(10).describe('steps between logged training losses'),
    sampleCharacters: z.int().min(0).default(500).describe('length of the sample text written at the end'),
  })
  .refine(({ schedule, warmupSteps, steps }) => schedule === 'constant' || warmupSteps <= steps, {
    path: ['warmupSteps'],
    error: ({ input }) => {
      const { warmupSteps, steps } = input as { warmupSteps: number; steps: number };
      return `${warmupSteps} steps of warm-up do not fit into ${steps} steps of training; choose at most ${steps}`;
    },
  });

/** Where the text comes from. */
export const dataSchema = z
  .strictObject({
    corpus: z.enum(['generated', 'tinyshakespeare', 'file']).default('tinyshakespeare').describe('training text'),
    file: z.string().default('').describe('path of a text file of your own (corpus file): first 90 % to train on'),
    generatedCharacters: positive.default(200_000).describe('length of the generated text'),
  })
  .refine(({ corpus, file }) => (corpus === 'file') === (file !== ''), {
    path: ['file'],
    error: 'a text file of your own needs both: --set data.corpus=file --set data.file=<path>',
  });

/** Where the weights begin. */
export const initialSchema = z.strictObject({
  from: z
    .string()
    .default('')
    .describe('fine-tune: folder, hub name or own name of a model, which then decides architecture and tokens'),
});

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  model: gptConfigSchema.prefault({ ...sizes['nano-cpu'] }),
  training: trainingSchema.prefault({}),
  data: dataSchema.prefault({}),
  initial: initialSchema.prefault({}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = z.output<typeof configSchema>;
/** How a model is trained, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

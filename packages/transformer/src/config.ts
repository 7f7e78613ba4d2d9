/**
 * One schema for the whole milestone: it makes the types, the defaults (the paper's base model), the command's flags and
 * their help.
 */
import { z } from 'zod';

const positive = z.int().min(1);
const rate = z.number().min(0).lt(1);

/** The architecture. Defaults are the base model. Vaswani et al. 2017, table 3. */
export const transformerConfigSchema = z
  .strictObject({
    sourceVocabulary: positive.default(37_000).describe('number of source tokens'),
    targetVocabulary: positive.default(37_000).describe('V, number of target tokens'),
    shareEmbeddings: z
      .enum(['all', 'target', 'none'])
      .default('all')
      .describe('one table for source, target and output layer (the paper), for target and output layer, or three'),
    outputBias: z.boolean().default(false).describe('bias of the output layer'),
    maximumLength: positive.default(512).describe('longest sentence, in tokens, of either side'),
    positions: z
      .enum(['sinusoidal', 'learned'])
      .default('sinusoidal')
      .describe('sine waves of section 3.5, or a table that is trained'),
    features: positive.default(512).describe('C, the paper’s d_model'),
    heads: positive.default(8).describe('N, attention heads; must divide features'),
    encoderLayers: positive.default(6).describe('layers of the encoder'),
    decoderLayers: positive.default(6).describe('layers of the decoder'),
    feedForward: positive.default(2048).describe('width inside the feed-forward parts, the paper’s d_ff'),
    normalization: z
      .enum(['post', 'pre'])
      .default('post')
      .describe('post: norm(x + part(x)), as published; pre: x + part(norm(x)) and a last norm'),
    attentionBias: z.boolean().default(true).describe('biases in the four projections of attention'),
    dropout: rate.default(0.1).describe('probability to drop, of embeddings and of what each part adds'),
    attentionDropout: rate.default(0).describe('the same of attention weights'),
    activationDropout: rate.default(0).describe('the same inside the feed-forward parts'),
    embeddingInitialization: z
      .enum(['normal', 'xavier'])
      .default('normal')
      .describe('normal: N(0, 1/C), so that a scaled embedding has variance 1; xavier: as all other matrices'),
  })
  .refine(({ features, heads }) => features % heads === 0, {
    path: ['features'],
    error: ({ input }) => {
      const { features, heads } = input as { features: number; heads: number };
      const below = Math.floor(features / heads) * heads;
      return `${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ${below > 0 ? `${below} or ` : ''}${below + heads}`;
    },
  })
  .refine(
    ({ shareEmbeddings, sourceVocabulary, targetVocabulary }) =>
      shareEmbeddings !== 'all' || sourceVocabulary === targetVocabulary,
    {
      path: ['shareEmbeddings'],
      error:
        'source and target cannot share one table while their vocabularies differ in size; ' +
        'set shareEmbeddings to target or none, or use byte pairs of both languages',
    },
  );

/** The architecture of one model, complete. */
export type TransformerConfig = z.output<typeof transformerConfigSchema>;

/** The architecture with everything optional that has a default. */
export type TransformerOptions = z.input<typeof transformerConfigSchema>;

/** Named sizes. The counts beside them are exact, and a test counts them. */
export const sizes = {
  /** 63,082,496 weights; without the biases of attention 63,045,632. */
  base: {},
  /** 214,245,376 */
  big: { features: 1024, heads: 16, feedForward: 4096, dropout: 0.3 },
  /** The published net for Multi30k, German to English: 9,038,341. */
  multi30k: {
    sourceVocabulary: 7853,
    targetVocabulary: 5893,
    shareEmbeddings: 'none',
    outputBias: true,
    maximumLength: 100,
    positions: 'learned',
    features: 256,
    encoderLayers: 3,
    decoderLayers: 3,
    feedForward: 512,
    attentionDropout: 0.1,
    activationDropout: 0.1,
    embeddingInitialization: 'xavier',
  },
  /** Transformer-Tiny (Wu et al. 2021) with 10,000 byte pairs of both languages: 2,638,336. */
  tiny: {
    sourceVocabulary: 10_260,
    targetVocabulary: 10_260,
    maximumLength: 256,
    features: 128,
    heads: 4,
    encoderLayers: 4,
    decoderLayers: 4,
    feedForward: 256,
    dropout: 0.3,
  },
} as const satisfies Record<string, TransformerOptions>;

/** Name of one of the {@link sizes}. */
export type TransformerSize = keyof typeof sizes;

/** Completes and checks an architecture. @throws with the field and the remedy */
export function transformerConfig(options: TransformerOptions | TransformerSize): TransformerConfig {
  if (typeof options === 'string' && !Object.hasOwn(sizes, options)) {
    throw new Error(`Transformer: there is no size '${options}'; there are: ${Object.keys(sizes).join(', ')}.`);
  }
  const result = transformerConfigSchema.safeParse(typeof options === 'string' ? sizes[options] : options);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new Error(`Transformer: ${problems.join('; ')}.`);
  }
  return result.data;
}

/** How a model is trained. Defaults are the base model's (section 5). */
export const trainingSchema = z
  .strictObject({
    steps: positive.default(100_000).describe('number of updates'),
    batchSize: z.int().min(0).default(0).describe('sentence pairs per update; 0: count tokens instead'),
    tokensPerBatch: z
      .int()
      .min(0)
      .default(25_000)
      .describe('most source and most target tokens per update; 0: sentences'),
    buckets: positive.default(6).describe('lengths that sentences are padded to; a step is compiled for each'),
    schedule: z
      .enum(['inverseSquareRoot', 'constant'])
      .default('inverseSquareRoot')
      .describe('the paper’s warm-up and decay (equation 3), or one rate'),
    learningRate: z
      .number()
      .positive()
      .default(1)
      .describe('constant: the rate; inverseSquareRoot: what the whole schedule is multiplied with'),
    warmupSteps: positive.default(4000).describe('steps of warm-up (inverseSquareRoot only)'),
    beta1: rate.default(0.9).describe("Adam's decay of the first moment"),
    beta2: rate.default(0.98).describe("Adam's decay of the second moment"),
    epsilon: z.number().positive().default(1e-9).describe("Adam's epsilon"),
    labelSmoothing: z.number().min(0).lt(1).default(0.1).describe('share of the target that goes to all tokens alike'),
    clipNorm: z.number().min(0).default(0).describe('largest global norm of the gradients; 0: no clipping'),
    evaluateEvery: z.int().min(0).default(0).describe('steps between evaluations; 0: after each epoch'),
    checkpointEvery: positive.default(200).describe('steps between checkpoints'),
    logEvery: positive.default(10).describe('steps between logged training losses'),
  })
  .refine(({ batchSize, tokensPerBatch }) => (batchSize === 0) !== (tokensPerBatch === 0), {
    path: ['batchSize'],
    error: 'a batch is measured in sentences or in tokens; set one of batchSize and tokensPerBatch, and the other to 0',
  });

/** How a model is trained, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** Where the sentences come from, and what their tokens are. */
export const dataSchema = z
  .strictObject({
    set: z
      .enum(['multi30k', 'files', 'numberWords', 'copies'])
      .default('multi30k')
      .describe('files: your own; numberWords and copies are generated'),
    pair: z.enum(['de-en', 'en-de']).default('de-en').describe('source and target language of multi30k'),
    sourceFile: z.string().default('').describe('files: one source sentence per line'),
    targetFile: z.string().default('').describe('files: its translations, line by line'),
    tokens: z
      .enum(['words', 'bytePairs'])
      .default('bytePairs')
      .describe(
        'words: split by rules, in lower case (generated text: at spaces or into characters); bytePairs: learned',
      ),
    minimumCount: positive.default(2).describe('words that occur less often in the training text are unknown'),
    merges: positive.default(10_000).describe('byte pairs that are learned, from both languages together'),
    validationPairs: positive.default(500).describe('pairs held out of generated or own text to watch the run by'),
    testPairs: positive.default(500).describe('the same, to score translations at the end'),
    generatedPairs: positive.default(5000).describe('generated pairs in all'),
    generatedLength: positive.default(10).describe('copies: symbols in a sequence'),
    generatedSymbols: positive.default(10).describe('copies: different symbols'),
    largestNumber: positive.default(9999).describe('numberWords: the largest number'),
  })
  .refine(({ set, sourceFile, targetFile }) => set !== 'files' || (sourceFile !== '' && targetFile !== ''), {
    path: ['sourceFile'],
    error: 'data.set is files; name both of them with data.sourceFile and data.targetFile',
  });

/** Where the sentences come from, complete. */
export type DataConfig = z.output<typeof dataSchema>;

/** How the trained model translates. Defaults are the paper's (section 6.1). */
export const decodingSchema = z.strictObject({
  beams: positive.default(4).describe('hypotheses kept; greedy decoding is reported beside it'),
  lengthPenalty: z.number().min(0).default(0.6).describe('α of ((5 + length) / 6)^α'),
  extraTokens: positive.default(50).describe('a translation may be this much longer than its source'),
  batchSize: positive.default(64).describe('sentences decoded together'),
});

/** The mean of the weights at several late points of the run, tested beside the last weights. Defaults: section 6.1. */
export const averagingSchema = z.strictObject({
  points: z.int().min(0).default(5).describe('how many points the mean is of, the last step included; 0: no mean'),
  every: z.int().min(0).default(0).describe('steps between them; 0: an epoch'),
});

/** A run that this one is compared with, evaluation by evaluation. */
export const comparisonSchema = z.strictObject({
  with: z
    .string()
    .default('')
    .describe('a preset whose results of the same seed are saved, or the folder of a run; empty: no comparison'),
  evaluations: positive
    .default(3)
    .describe('the last so many evaluations of this run are compared, and their mean counts'),
});

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  model: transformerConfigSchema.prefault({}),
  training: trainingSchema.prefault({}),
  data: dataSchema.prefault({}),
  decoding: decodingSchema.prefault({}),
  averaging: averagingSchema.prefault({}),
  comparison: comparisonSchema.prefault({}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = z.output<typeof configSchema>;

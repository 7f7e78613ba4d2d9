/**
 * One schema for the whole milestone: it makes the types, the defaults (the paper's base model), the command's flags and
 * their help.
 */
import {
  completeConfig,
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
} from '@milestones/core';
import * as v from 'valibot';

/** The architecture. Defaults are the base model. Vaswani et al. 2017, table 3. */
export const transformerConfigSchema = v.pipe(
  v.strictObject({
    sourceVocabulary: option(positiveInteger, 37_000, 'number of source tokens'),
    targetVocabulary: option(positiveInteger, 37_000, 'V, number of target tokens'),
    shareEmbeddings: option(
      v.picklist(['all', 'target', 'none']),
      'all',
      'one table for source, target and output layer (the paper), for target and output layer, or three',
    ),
    outputBias: option(v.boolean(), false, 'bias of the output layer'),
    maximumLength: option(positiveInteger, 512, 'longest sentence, in tokens, of either side'),
    positions: option(
      v.picklist(['sinusoidal', 'learned']),
      'sinusoidal',
      'sine waves of section 3.5, or a table that is trained',
    ),
    features: option(positiveInteger, 512, 'C, the paper’s d_model'),
    heads: option(positiveInteger, 8, 'N, attention heads; must divide features'),
    encoderLayers: option(positiveInteger, 6, 'layers of the encoder'),
    decoderLayers: option(positiveInteger, 6, 'layers of the decoder'),
    feedForward: option(positiveInteger, 2048, 'width inside the feed-forward parts, the paper’s d_ff'),
    normalization: option(
      v.picklist(['post', 'pre']),
      'post',
      'post: norm(x + part(x)), as published; pre: x + part(norm(x)) and a last norm',
    ),
    attentionBias: option(v.boolean(), true, 'biases in the four projections of attention'),
    dropout: option(fraction, 0.1, 'probability to drop, of embeddings and of what each part adds'),
    attentionDropout: option(fraction, 0, 'the same of attention weights'),
    activationDropout: option(fraction, 0, 'the same inside the feed-forward parts'),
    embeddingInitialization: option(
      v.picklist(['normal', 'xavier']),
      'normal',
      'normal: N(0, 1/C), so that a scaled embedding has variance 1; xavier: as all other matrices',
    ),
  }),
  v.forward(
    v.check(
      ({ features, heads }) => features % heads === 0,
      ({ input: { features, heads } }) => {
        const below = Math.floor(features / heads) * heads;
        return `${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ${below > 0 ? `${below} or ` : ''}${below + heads}`;
      },
    ),
    ['features'],
  ),
  v.forward(
    v.check(
      ({ shareEmbeddings, sourceVocabulary, targetVocabulary }) =>
        shareEmbeddings !== 'all' || sourceVocabulary === targetVocabulary,
      'source and target cannot share one table while their vocabularies differ in size; ' +
        'set shareEmbeddings to target or none, or use byte pairs of both languages',
    ),
    ['shareEmbeddings'],
  ),
);

/** The architecture of one model, complete. */
export type TransformerConfig = v.InferOutput<typeof transformerConfigSchema>;

/** The architecture with everything optional that has a default. */
export type TransformerOptions = v.InferInput<typeof transformerConfigSchema>;

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
  return completeConfig('Transformer', transformerConfigSchema, typeof options === 'string' ? sizes[options] : options);
}

/** How a model is trained. Defaults are the base model's (section 5). */
export const trainingSchema = v.pipe(
  v.strictObject({
    steps: option(positiveInteger, 100_000, 'number of updates'),
    batchSize: option(nonNegativeInteger, 0, 'sentence pairs per update; 0: count tokens instead'),
    tokensPerBatch: option(nonNegativeInteger, 25_000, 'most source and most target tokens per update; 0: sentences'),
    buckets: option(positiveInteger, 6, 'lengths that sentences are padded to; a step is compiled for each'),
    schedule: option(
      v.picklist(['inverseSquareRoot', 'constant']),
      'inverseSquareRoot',
      'the paper’s warm-up and decay (equation 3), or one rate',
    ),
    learningRate: option(
      positiveNumber,
      1,
      'constant: the rate; inverseSquareRoot: what the whole schedule is multiplied with',
    ),
    warmupSteps: option(positiveInteger, 4000, 'steps of warm-up (inverseSquareRoot only)'),
    beta1: option(fraction, 0.9, "Adam's decay of the first moment"),
    beta2: option(fraction, 0.98, "Adam's decay of the second moment"),
    epsilon: option(positiveNumber, 1e-9, "Adam's epsilon"),
    labelSmoothing: option(fraction, 0.1, 'share of the target that goes to all tokens alike'),
    clipNorm: option(nonNegativeNumber, 0, 'largest global norm of the gradients; 0: no clipping'),
    evaluateEvery: option(nonNegativeInteger, 0, 'steps between evaluations; 0: after each epoch'),
    checkpointEvery: option(positiveInteger, 200, 'steps between checkpoints'),
    logEvery: option(positiveInteger, 10, 'steps between logged training losses'),
  }),
  v.forward(
    v.check(
      ({ batchSize, tokensPerBatch }) => (batchSize === 0) !== (tokensPerBatch === 0),
      'a batch is measured in sentences or in tokens; set one of batchSize and tokensPerBatch, and the other to 0',
    ),
    ['batchSize'],
  ),
);

/** How a model is trained, complete. */
export type TrainingConfig = v.InferOutput<typeof trainingSchema>;

/** Where the sentences come from, and what their tokens are. */
export const dataSchema = v.pipe(
  v.strictObject({
    set: option(
      v.picklist(['multi30k', 'files', 'numberWords', 'copies']),
      'multi30k',
      'files: your own; numberWords and copies are generated',
    ),
    pair: option(v.picklist(['de-en', 'en-de']), 'de-en', 'source and target language of multi30k'),
    sourceFile: option(v.string(), '', 'files: one source sentence per line'),
    targetFile: option(v.string(), '', 'files: its translations, line by line'),
    tokens: option(
      v.picklist(['words', 'bytePairs']),
      'bytePairs',
      'words: split by rules, in lower case (generated text: at spaces or into characters); bytePairs: learned',
    ),
    minimumCount: option(positiveInteger, 2, 'words that occur less often in the training text are unknown'),
    merges: option(positiveInteger, 10_000, 'byte pairs that are learned, from both languages together'),
    validationPairs: option(positiveInteger, 500, 'pairs held out of generated or own text to watch the run by'),
    testPairs: option(positiveInteger, 500, 'the same, to score translations at the end'),
    generatedPairs: option(positiveInteger, 5000, 'generated pairs in all'),
    generatedLength: option(positiveInteger, 10, 'copies: symbols in a sequence'),
    generatedSymbols: option(positiveInteger, 10, 'copies: different symbols'),
    largestNumber: option(positiveInteger, 9999, 'numberWords: the largest number'),
  }),
  v.forward(
    v.check(
      ({ set, sourceFile, targetFile }) => set !== 'files' || (sourceFile !== '' && targetFile !== ''),
      'data.set is files; name both of them with data.sourceFile and data.targetFile',
    ),
    ['sourceFile'],
  ),
);

/** Where the sentences come from, complete. */
export type DataConfig = v.InferOutput<typeof dataSchema>;

/** How the trained model translates. Defaults are the paper's (section 6.1). */
export const decodingSchema = v.strictObject({
  beams: option(positiveInteger, 4, 'hypotheses kept; greedy decoding is reported beside it'),
  lengthPenalty: option(nonNegativeNumber, 0.6, 'α of ((5 + length) / 6)^α'),
  extraTokens: option(positiveInteger, 50, 'a translation may be this much longer than its source'),
  batchSize: option(positiveInteger, 64, 'sentences decoded together'),
});

/** The mean of the weights at several late points of the run, tested beside the last weights. Defaults: section 6.1. */
export const averagingSchema = v.strictObject({
  points: option(nonNegativeInteger, 5, 'how many points the mean is of, the last step included; 0: no mean'),
  every: option(nonNegativeInteger, 0, 'steps between them; 0: an epoch'),
});

/** A run that this one is compared with, evaluation by evaluation. */
export const comparisonSchema = v.strictObject({
  with: option(
    v.string(),
    '',
    'a preset whose results of the same seed are saved, or the folder of a run; empty: no comparison',
  ),
  evaluations: option(
    positiveInteger,
    3,
    'the last so many evaluations of this run are compared, and their mean counts',
  ),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  model: v.optional(transformerConfigSchema, {}),
  training: v.optional(trainingSchema, {}),
  data: v.optional(dataSchema, {}),
  decoding: v.optional(decodingSchema, {}),
  averaging: v.optional(averagingSchema, {}),
  comparison: v.optional(comparisonSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;

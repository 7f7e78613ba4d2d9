/**
 * One schema for the whole milestone: it makes the types, the defaults (those of Sutskever et al. 2014), the command's flags
 * and their help.
 */
import { z } from 'zod';

const positive = z.int().min(1);

/** The architecture. Defaults are the network of Sutskever et al. 2014 (section 3.4): 4 layers of 1000 cells. */
export const translatorConfigSchema = z
  .strictObject({
    kind: z
      .enum(['plain', 'attention'])
      .default('plain')
      .describe('plain: LSTM encoder and decoder (Sutskever); attention: GRU with additive attention (Bahdanau)'),
    sourceVocabulary: positive.default(160_000).describe('number of source tokens, the special ones included'),
    targetVocabulary: positive.default(80_000).describe('V, number of target tokens, the special ones included'),
    embedding: positive.default(1000).describe('E, width of a word vector'),
    hidden: positive.default(1000).describe('H, width of the state of a layer'),
    layers: positive.default(4).describe('layers on top of each other; 1 with attention'),
    biases: z
      .union([z.literal(1), z.literal(2)])
      .default(1)
      .describe('biases of an LSTM layer: 1 (papers) or 2 (PyTorch)'),
    alignment: z.int().min(0).default(0).describe('width of the alignment model (attention); 0: hidden'),
    maxout: z
      .int()
      .min(0)
      .default(0)
      .describe('units of the maxout layer before the output (attention; the paper: 500); 0: none'),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe('probability to drop, on the connections upwards only (Zaremba et al. 2014)'),
    initialization: z
      .enum(['uniform', 'normal', 'fanIn'])
      .default('uniform')
      .describe('uniform: all U(−0.08, 0.08); normal: weights N(0, 0.01²), biases 0; fanIn: U(±1/√in)'),
    reverseSource: z.boolean().default(true).describe('whether the source is read from its last word to its first'),
    maximumLength: positive.default(100).describe('longest sentence in tokens, source or target'),
  })
  .refine(({ kind, layers }) => kind === 'plain' || layers === 1, {
    path: ['layers'],
    error: 'the attention model has one layer; set layers to 1',
  })
  .refine(({ kind, maxout, alignment }) => kind === 'attention' || (maxout === 0 && alignment === 0), {
    path: ['kind'],
    error: 'maxout and alignment belong to the attention model; set kind to attention, or both to 0',
  });

/** The architecture of one model, complete. */
export type TranslatorConfig = z.output<typeof translatorConfigSchema>;

/** The architecture with everything optional that has a default. */
export type TranslatorOptions = z.input<typeof translatorConfigSchema>;

const multi30k = { sourceVocabulary: 7853, targetVocabulary: 5893, embedding: 256, hidden: 512, dropout: 0.5 } as const;

/** Named sizes. The counts beside them are exact, and a test counts them. */
export const sizes = {
  /** Sutskever et al. 2014: 384,000,000 weights in its matrices; 384,112,000 with its biases. */
  sutskever: {},
  /** RNNsearch of Bahdanau et al. 2015: 30,000 words, 620 features, 1000 hidden units, maxout of 500. */
  bahdanau: {
    kind: 'attention',
    sourceVocabulary: 30_000,
    targetVocabulary: 30_000,
    embedding: 620,
    layers: 1,
    maxout: 500,
    initialization: 'normal',
    reverseSource: false,
  },
  /** A published network for Multi30k, two layers: 13,898,501 weights. */
  'multi30k-plain': { ...multi30k, layers: 2, biases: 2 },
  /** Its successor with attention: 20,518,405 weights. */
  'multi30k-attention': {
    ...multi30k,
    kind: 'attention',
    layers: 1,
    initialization: 'normal',
    reverseSource: false,
  },
} as const satisfies Record<string, TranslatorOptions>;

/** Name of one of the {@link sizes}. */
export type TranslatorSize = keyof typeof sizes;

/** Completes and checks an architecture. @throws with the field and the remedy */
export function translatorConfig(options: TranslatorOptions | TranslatorSize): TranslatorConfig {
  if (typeof options === 'string' && !Object.hasOwn(sizes, options)) {
    throw new Error(`seq2seq: there is no size '${options}'; there are: ${Object.keys(sizes).join(', ')}.`);
  }
  const result = translatorConfigSchema.safeParse(typeof options === 'string' ? sizes[options] : options);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
    throw new Error(`seq2seq: ${problems.join('; ')}.`);
  }
  return result.data;
}

/** How a model is trained. Defaults are those of Sutskever et al. 2014, section 3.4, for its 12 million sentence pairs. */
export const trainingSchema = z.strictObject({
  steps: positive.default(703_125).describe('number of updates; the paper: 7.5 epochs of 93,750'),
  batchSize: positive.default(128).describe('B, sentence pairs per update'),
  optimizer: z.enum(['sgd', 'adam']).default('sgd').describe('gradient descent without momentum, or Adam'),
  learningRate: z.number().positive().default(0.7).describe('highest learning rate'),
  schedule: z
    .enum(['halving', 'cosine', 'constant'])
    .default('halving')
    .describe('halving: see halvingStart; cosine: half a cosine to 0'),
  halvingStart: positive.default(468_750).describe('first step at half the rate (halving only); the paper: 5 epochs'),
  halvingEvery: positive.default(46_875).describe('steps between halvings (halving only); the paper: half an epoch'),
  loss: z
    .enum(['sentences', 'tokens'])
    .default('sentences')
    .describe('the summed loss is divided by the number of sentences (the paper) or of target tokens'),
  clipNorm: z.number().min(0).default(5).describe('largest global norm of the gradients; 0 switches clipping off'),
  buckets: positive
    .default(6)
    .describe('pairs are parted by length into so many buckets; the step is compiled once for each'),
  evaluateEvery: positive.default(46_875).describe('steps between evaluations'),
  decodedSentences: z
    .int()
    .min(0)
    .default(0)
    .describe('validation sentences that are translated at each evaluation; 0: all'),
  checkpointEvery: positive.default(1000).describe('steps between checkpoints'),
  logEvery: positive.default(10).describe('steps between logged training losses'),
});

/** How a model is trained, complete. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** What is translated. */
export const dataSchema = z.strictObject({
  task: z
    .enum(['multi30k', 'additions', 'copies', 'number-words', 'files'])
    .default('multi30k')
    .describe('multi30k: captions of photographs; files: your own two files; the others are generated'),
  pair: z.enum(['de-en', 'en-de']).default('de-en').describe('from which language to which (multi30k)'),
  sourceFile: z.string().default('').describe('text to translate from, a sentence a line (files)'),
  targetFile: z.string().default('').describe('its translation, line by line (files)'),
  split: z
    .enum(['de', 'en', 'spaces'])
    .default('spaces')
    .describe('how the words of both files are found: by the rules of a language, or at spaces (files)'),
  count: positive.default(5000).describe('generated pairs in all'),
  heldOut: positive.default(500).describe('pairs that are not trained on (generated tasks and files)'),
  trainPairs: z.int().min(0).default(0).describe('pairs to train on, the first ones; 0: all'),
  digits: positive.default(2).describe('digits of a summand (additions)'),
  symbols: positive.default(10).describe('different symbols (copies)'),
  length: positive.default(10).describe('symbols in a sequence (copies)'),
  largest: positive.default(9999).describe('largest number (number-words)'),
  lowercase: z.boolean().default(true).describe('whether text becomes lower case first (multi30k, files)'),
  minimumCount: positive.default(2).describe('rarer words are unknown (multi30k, files)'),
});

/** What is translated, complete. */
export type DataConfig = z.output<typeof dataSchema>;

/** The attention model of a comparison; its vocabularies, biases and maximum are those of `model`. */
export const attentionSchema = z.strictObject({
  embedding: positive.default(256).describe('E of the attention model'),
  hidden: positive.default(512).describe('H of the attention model'),
  alignment: z.int().min(0).default(0).describe('width of its alignment model; 0: hidden'),
  maxout: z.int().min(0).default(0).describe('units of its maxout layer; 0: none'),
  dropout: z.number().min(0).lt(1).default(0.5).describe('its dropout'),
  initialization: z.enum(['uniform', 'normal', 'fanIn']).default('normal').describe('as model.initialization'),
});

/** The networks of one run, trained one after the other on the same pairs. */
export const experimentSchema = z.strictObject({
  nets: z
    .array(z.enum(['model', 'reversed', 'straight', 'attention']))
    .min(1)
    .default(['model'])
    .describe(
      'nets to train: model (as configured), reversed or straight (the same with and without reversed source), attention',
    ),
  seeds: positive.default(1).describe('how often each net is trained, from the run’s seed on'),
  beams: positive.default(5).describe('beams of the last test'),
  lengthPenalty: z.number().min(0).default(0.6).describe('α of the last test'),
  pictures: z
    .int()
    .min(0)
    .default(3)
    .describe('attention pictures and sample translations are made of so many sentences'),
});

/** The whole configuration of a run. */
export const configSchema = z.strictObject({
  model: translatorConfigSchema.prefault({}),
  attention: attentionSchema.prefault({}),
  training: trainingSchema.prefault({}),
  data: dataSchema.prefault({}),
  experiment: experimentSchema.prefault({}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = z.output<typeof configSchema>;

/**
 * One schema for the whole milestone: it makes the types, the defaults (those of Sutskever et al. 2014), the command's flags
 * and their help.
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

/** The architecture. Defaults are the network of Sutskever et al. 2014 (section 3.4): 4 layers of 1000 cells. */
export const translatorConfigSchema = v.pipe(
  v.strictObject({
    kind: option(
      v.picklist(['plain', 'attention']),
      'plain',
      'plain: LSTM encoder and decoder (Sutskever); attention: GRU with additive attention (Bahdanau)',
    ),
    sourceVocabulary: option(positiveInteger, 160_000, 'number of source tokens, the special ones included'),
    targetVocabulary: option(positiveInteger, 80_000, 'V, number of target tokens, the special ones included'),
    embedding: option(positiveInteger, 1000, 'E, width of a word vector'),
    hidden: option(positiveInteger, 1000, 'H, width of the state of a layer'),
    layers: option(positiveInteger, 4, 'layers on top of each other; 1 with attention'),
    biases: option(v.union([v.literal(1), v.literal(2)]), 1, 'biases of an LSTM layer: 1 (papers) or 2 (PyTorch)'),
    alignment: option(nonNegativeInteger, 0, 'width of the alignment model (attention); 0: hidden'),
    maxout: option(
      nonNegativeInteger,
      0,
      'units of the maxout layer before the output (attention; the paper: 500); 0: none',
    ),
    dropout: option(fraction, 0, 'probability to drop, on the connections upwards only (Zaremba et al. 2014)'),
    initialization: option(
      v.picklist(['uniform', 'normal', 'fanIn']),
      'uniform',
      'uniform: all U(−0.08, 0.08); normal: weights N(0, 0.01²), biases 0; fanIn: U(±1/√in)',
    ),
    reverseSource: option(v.boolean(), true, 'whether the source is read from its last word to its first'),
    maximumLength: option(positiveInteger, 100, 'longest sentence in tokens, source or target'),
  }),
  v.forward(
    v.check(
      ({ kind, layers }) => kind === 'plain' || layers === 1,
      'the attention model has one layer; set layers to 1',
    ),
    ['layers'],
  ),
  v.forward(
    v.check(
      ({ kind, maxout, alignment }) => kind === 'attention' || (maxout === 0 && alignment === 0),
      'maxout and alignment belong to the attention model; set kind to attention, or both to 0',
    ),
    ['kind'],
  ),
);

/** The architecture of one model, complete. */
export type TranslatorConfig = v.InferOutput<typeof translatorConfigSchema>;

/** The architecture with everything optional that has a default. */
export type TranslatorOptions = v.InferInput<typeof translatorConfigSchema>;

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
  return completeConfig('seq2seq', translatorConfigSchema, typeof options === 'string' ? sizes[options] : options);
}

/** How a model is trained. Defaults are those of Sutskever et al. 2014, section 3.4, for its 12 million sentence pairs. */
export const trainingSchema = v.strictObject({
  steps: option(positiveInteger, 703_125, 'number of updates; the paper: 7.5 epochs of 93,750'),
  batchSize: option(positiveInteger, 128, 'B, sentence pairs per update'),
  optimizer: option(v.picklist(['sgd', 'adam']), 'sgd', 'gradient descent without momentum, or Adam'),
  learningRate: option(positiveNumber, 0.7, 'highest learning rate'),
  schedule: option(
    v.picklist(['halving', 'cosine', 'constant']),
    'halving',
    'halving: see halvingStart; cosine: half a cosine to 0',
  ),
  halvingStart: option(positiveInteger, 468_750, 'first step at half the rate (halving only); the paper: 5 epochs'),
  halvingEvery: option(positiveInteger, 46_875, 'steps between halvings (halving only); the paper: half an epoch'),
  loss: option(
    v.picklist(['sentences', 'tokens']),
    'sentences',
    'the summed loss is divided by the number of sentences (the paper) or of target tokens',
  ),
  clipNorm: option(nonNegativeNumber, 5, 'largest global norm of the gradients; 0 switches clipping off'),
  buckets: option(
    positiveInteger,
    6,
    'pairs are parted by length into so many buckets; the step is compiled once for each',
  ),
  evaluateEvery: option(positiveInteger, 46_875, 'steps between evaluations'),
  decodedSentences: option(
    nonNegativeInteger,
    0,
    'validation sentences that are translated at each evaluation; 0: all',
  ),
  checkpointEvery: option(positiveInteger, 1000, 'steps between checkpoints'),
  logEvery: option(positiveInteger, 10, 'steps between logged training losses'),
});

/** How a model is trained, complete. */
export type TrainingConfig = v.InferOutput<typeof trainingSchema>;

/** What is translated. */
export const dataSchema = v.strictObject({
  task: option(
    v.picklist(['multi30k', 'additions', 'copies', 'number-words', 'files']),
    'multi30k',
    'multi30k: captions of photographs; files: your own two files; the others are generated',
  ),
  pair: option(v.picklist(['de-en', 'en-de']), 'de-en', 'from which language to which (multi30k)'),
  sourceFile: option(v.string(), '', 'text to translate from, a sentence a line (files)'),
  targetFile: option(v.string(), '', 'its translation, line by line (files)'),
  split: option(
    v.picklist(['de', 'en', 'spaces']),
    'spaces',
    'how the words of both files are found: by the rules of a language, or at spaces (files)',
  ),
  count: option(positiveInteger, 5000, 'generated pairs in all'),
  heldOut: option(positiveInteger, 500, 'pairs that are not trained on (generated tasks and files)'),
  trainPairs: option(nonNegativeInteger, 0, 'pairs to train on, the first ones; 0: all'),
  digits: option(positiveInteger, 2, 'digits of a summand (additions)'),
  symbols: option(positiveInteger, 10, 'different symbols (copies)'),
  length: option(positiveInteger, 10, 'symbols in a sequence (copies)'),
  largest: option(positiveInteger, 9999, 'largest number (number-words)'),
  lowercase: option(v.boolean(), true, 'whether text becomes lower case first (multi30k, files)'),
  minimumCount: option(positiveInteger, 2, 'rarer words are unknown (multi30k, files)'),
});

/** What is translated, complete. */
export type DataConfig = v.InferOutput<typeof dataSchema>;

/** The attention model of a comparison; its vocabularies, biases and maximum are those of `model`. */
export const attentionSchema = v.strictObject({
  embedding: option(positiveInteger, 256, 'E of the attention model'),
  hidden: option(positiveInteger, 512, 'H of the attention model'),
  alignment: option(nonNegativeInteger, 0, 'width of its alignment model; 0: hidden'),
  maxout: option(nonNegativeInteger, 0, 'units of its maxout layer; 0: none'),
  dropout: option(fraction, 0.5, 'its dropout'),
  initialization: option(v.picklist(['uniform', 'normal', 'fanIn']), 'normal', 'as model.initialization'),
});

/** The networks of one run, trained one after the other on the same pairs. */
export const experimentSchema = v.strictObject({
  nets: option(
    v.pipe(v.array(v.picklist(['model', 'reversed', 'straight', 'attention'])), v.minLength(1)),
    ['model'],
    'nets to train: model (as configured), reversed or straight (the same with and without reversed source), attention',
  ),
  seeds: option(positiveInteger, 1, 'how often each net is trained, from the run’s seed on'),
  beams: option(positiveInteger, 5, 'beams of the last test'),
  lengthPenalty: option(nonNegativeNumber, 0.6, 'α of the last test'),
  pictures: option(nonNegativeInteger, 3, 'attention pictures and sample translations are made of so many sentences'),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  model: v.optional(translatorConfigSchema, {}),
  attention: v.optional(attentionSchema, {}),
  training: v.optional(trainingSchema, {}),
  data: v.optional(dataSchema, {}),
  experiment: v.optional(experimentSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;

/** One schema for the whole milestone: it makes the types, the defaults (the paper's), the command's flags and their help. */
import {
  completeConfig,
  finiteNumber,
  fraction,
  nonNegativeInteger,
  nonNegativeNumber,
  option,
  positiveInteger,
  positiveNumber,
} from '@milestones/core';
import * as v from 'valibot';

/** The architecture. Defaults are BERT-base, uncased (Devlin et al. 2018, section 3). */
export const bertConfigSchema = v.pipe(
  v.strictObject({
    vocabularySize: option(positiveInteger, 30522, 'V, number of tokens'),
    contextLength: option(positiveInteger, 512, 'T, longest sequence that the model sees'),
    segments: option(positiveInteger, 2, 'number of segments; the release says 16 in its code and 2 in its models'),
    features: option(positiveInteger, 768, 'C, width'),
    layers: option(positiveInteger, 12, 'number of blocks'),
    heads: option(positiveInteger, 12, 'N, attention heads per block; must divide features'),
    hidden: option(nonNegativeInteger, 0, 'width of the feed-forward layers; 0: 4 · features'),
    activation: option(
      v.picklist(['gelu', 'geluTanh']),
      'geluTanh',
      'geluTanh: as released; gelu: the exact form, which copies on the hub are read with',
    ),
    dropout: option(fraction, 0.1, 'probability to drop, in embeddings, attention and blocks'),
    initialDeviation: option(
      positiveNumber,
      0.02,
      'standard deviation of the first weights; 0.02 is made for 768 features, and slow for few',
    ),
    normEpsilon: option(positiveNumber, 1e-12, 'added to the variance in layer norms'),
  }),
  v.forward(
    v.check(
      (config) => config.features % config.heads === 0,
      ({ input: { features, heads } }) =>
        `${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ${Math.ceil(features / heads) * heads}`,
    ),
    ['features'],
  ),
);

/** The architecture of one model, complete. */
export type BertConfig = v.InferOutput<typeof bertConfigSchema>;
/** The architecture with everything optional that has a default. */
export type BertOptions = v.InferInput<typeof bertConfigSchema>;

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
  return completeConfig('Bert', bertConfigSchema, typeof options === 'string' ? sizes[options] : options);
}

/** The optimizer, as released: Adam without bias correction, decoupled decay, linear warm-up and decay. */
const optimizerShape = {
  batchSize: option(positiveInteger, 32, 'B, sequences per update'),
  learningRate: option(positiveNumber, 1e-4, 'highest learning rate'),
  warmup: option(v.pipe(nonNegativeNumber, v.maxValue(1)), 0.1, 'share of the steps in which the rate rises'),
  weightDecay: option(nonNegativeNumber, 0.01, 'decoupled weight decay; not of biases and layer norms'),
  clipNorm: option(nonNegativeNumber, 1, 'largest global norm of the gradients; 0 switches clipping off'),
  biasCorrection: option(v.boolean(), false, "Adam's bias correction; the release has none"),
};

/** Pre-training (section 3.1). */
export const pretrainingSchema = v.strictObject({
  ...optimizerShape,
  steps: option(nonNegativeInteger, 1_000_000, 'number of updates; 0 trains nothing'),
  length: option(positiveInteger, 128, 'T, tokens per sequence'),
  maskRate: option(
    v.pipe(finiteNumber, v.gtValue(0), v.ltValue(1)),
    0.15,
    'share of the tokens that are to be guessed',
  ),
  masking: option(
    v.picklist(['dynamic', 'fixed']),
    'dynamic',
    'dynamic: other tokens each time a sequence comes; fixed: the same, as in the release with one duplicate',
  ),
  nextSentence: option(v.boolean(), false, 'also learn whether two parts follow each other'),
});

/** Fine-tuning (section 4). */
export const fineTuningSchema = v.strictObject({
  ...optimizerShape,
  epochs: option(positiveInteger, 3, 'times through the labels'),
  minimumSteps: option(nonNegativeInteger, 0, 'least number of updates, where labels are few'),
  length: option(positiveInteger, 64, 'longest sequence; longer ones are cut'),
  dropout: option(fraction, 0.1, 'probability to drop while fine-tuning; model.dropout is that of pre-training'),
  labelShares: option(
    v.array(v.pipe(finiteNumber, v.gtValue(0), v.maxValue(1))),
    [1],
    'shares of the labels to fine-tune with, one after the other',
  ),
  seeds: option(positiveInteger, 1, 'fine-tunings of each kind, with other seeds'),
  baseline: option(v.boolean(), true, 'also fine-tune the same net from random weights'),
  lstm: option(v.boolean(), false, 'also train an LSTM on the same labels'),
  learningRates: option(
    v.array(positiveNumber),
    [],
    'rates that each kind of net is tuned with; what counts is the best at each share of the labels; none: learningRate',
  ),
  lstmLearningRate: option(positiveNumber, 1e-3, 'highest learning rate of the LSTM'),
});

/** The data. */
export const dataSchema = v.strictObject({
  corpus: option(v.picklist(['generated', 'wikitext-2+sst-2', 'file']), 'wikitext-2+sst-2', 'text to pre-train on'),
  file: option(v.string(), '', 'path of a text file of your own (corpus file)'),
  task: option(v.picklist(['generated', 'sst-2', 'file']), 'sst-2', 'labelled texts to fine-tune on'),
  train: option(v.string(), '', 'path of a TSV file of your own (task file)'),
  validation: option(v.string(), '', 'path of the TSV file to validate on (task file)'),
  first: option(v.string(), 'sentence', 'column of the text'),
  second: option(v.string(), '', 'column of the other text of a pair; empty: single texts'),
  label: option(v.string(), 'label', 'column of the label'),
  classes: option(v.array(v.string()), ['0', '1'], 'the classes as the label column writes them'),
  from: option(v.string(), '', 'folder or hub name of a BERT to start from, in place of pre-training'),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  model: v.optional(bertConfigSchema, { ...sizes.tiny }),
  data: v.optional(dataSchema, {}),
  pretraining: v.optional(pretrainingSchema, {}),
  fineTuning: v.optional(fineTuningSchema, { learningRate: 5e-5 }),
  checkpointEvery: option(positiveInteger, 500, 'pre-training steps between checkpoints'),
  logEvery: option(positiveInteger, 50, 'pre-training steps between logged losses'),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;
/** How a model is pre-trained, complete. */
export type PretrainingConfig = v.InferOutput<typeof pretrainingSchema>;
/** How a model is fine-tuned, complete. */
export type FineTuningConfig = v.InferOutput<typeof fineTuningSchema>;

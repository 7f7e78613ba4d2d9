/**
 * One schema for the whole milestone: it makes the types, the defaults (GPT-2's), the command's flags and their help.
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

/** The architecture. Defaults are GPT-2's smallest size (Radford et al. 2019, table 2). */
export const gptConfigSchema = v.pipe(
  v.strictObject({
    vocabularySize: option(positiveInteger, 50257, 'V, number of tokens'),
    contextLength: option(positiveInteger, 1024, 'T, longest sequence that the model sees'),
    features: option(positiveInteger, 768, 'C, width of the residual stream'),
    layers: option(positiveInteger, 12, 'number of blocks'),
    heads: option(positiveInteger, 12, 'N, attention heads per block; must divide features'),
    activation: option(v.picklist(['relu', 'gelu', 'geluTanh']), 'geluTanh', 'activation of the feed-forward layers'),
    bias: option(v.boolean(), true, 'biases in layer norms, output projections and feed-forward layers'),
    attentionBias: option(v.boolean(), true, 'biases of query, key and value'),
    attentionScale: option(
      v.picklist(['headSize', 'features']),
      'headSize',
      'attention scores are divided by the root of this; the paper: headSize',
    ),
    headBias: option(v.boolean(), false, 'bias of the output layer; needs tieWeights false'),
    tieWeights: option(v.boolean(), true, 'output layer shares the token embedding'),
    dropout: option(fraction, 0.1, 'probability to drop, in embeddings, attention and blocks'),
    initialization: option(
      v.picklist(['gpt2', 'fanIn']),
      'gpt2',
      'gpt2: N(0, 0.02), residual projections / √(2 · layers); fanIn: U(±1/√in), embeddings N(0, 1)',
    ),
  }),
  v.forward(
    v.check(
      (config) => config.features % config.heads === 0,
      ({ input: { features, heads } }) => {
        const below = Math.floor(features / heads) * heads;
        return `${features} features do not divide by ${heads} heads; choose a multiple of ${heads}, for example ${below > 0 ? `${below} or ` : ''}${below + heads}`;
      },
    ),
    ['features'],
  ),
  v.forward(
    v.check(
      (config) => !(config.headBias && config.tieWeights),
      'an output layer that shares the embedding has no bias of its own; set tieWeights to false or headBias to false',
    ),
    ['headBias'],
  ),
);

/** The architecture of one model, complete. */
export type GptConfig = v.InferOutput<typeof gptConfigSchema>;

/** The architecture with everything optional that has a default. */
export type GptOptions = v.InferInput<typeof gptConfigSchema>;

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
  return completeConfig('Gpt', gptConfigSchema, typeof options === 'string' ? sizes[options] : options);
}

/** How the model is trained. Defaults follow nanoGPT's character configuration for a CPU. */
export const trainingSchema = v.pipe(
  v.strictObject({
    steps: option(positiveInteger, 2000, 'number of updates'),
    batchSize: option(positiveInteger, 12, 'B, sequences per update'),
    windowLength: option(nonNegativeInteger, 0, 'T, tokens per training sequence; 0: the context length'),
    learningRate: option(positiveNumber, 1e-3, 'highest learning rate'),
    minimumLearningRate: option(nonNegativeNumber, 1e-4, 'learning rate at the end of the cosine'),
    schedule: option(v.picklist(['constant', 'cosine']), 'cosine', 'constant, or warm-up and cosine'),
    warmupSteps: option(nonNegativeInteger, 100, 'steps of linear warm-up (cosine only)'),
    beta1: option(fraction, 0.9, "AdamW's decay of the first moment"),
    beta2: option(fraction, 0.99, "AdamW's decay of the second moment"),
    weightDecay: option(nonNegativeNumber, 0.1, 'decoupled weight decay'),
    decayOnly: option(v.picklist(['matrices', 'all']), 'matrices', 'which weights decay'),
    clipNorm: option(nonNegativeNumber, 1, 'largest global norm of the gradients; 0 switches clipping off'),
    evaluateEvery: option(positiveInteger, 250, 'steps between evaluations'),
    evaluateAlsoAt: option(v.array(nonNegativeInteger), [], 'further steps to evaluate at'),
    evaluationBatches: option(positiveInteger, 20, 'random batches per split and evaluation'),
    checkpointEvery: option(positiveInteger, 250, 'steps between checkpoints'),
    logEvery: option(positiveInteger, 10, 'steps between logged training losses'),
    sampleCharacters: option(nonNegativeInteger, 500, 'length of the sample text written at the end'),
  }),
  v.forward(
    v.check(
      ({ schedule, warmupSteps, steps }) => schedule === 'constant' || warmupSteps <= steps,
      ({ input: { warmupSteps, steps } }) =>
        `${warmupSteps} steps of warm-up do not fit into ${steps} steps of training; choose at most ${steps}`,
    ),
    ['warmupSteps'],
  ),
);

/** Where the text comes from. */
export const dataSchema = v.pipe(
  v.strictObject({
    corpus: option(v.picklist(['generated', 'tinyshakespeare', 'file']), 'tinyshakespeare', 'training text'),
    file: option(v.string(), '', 'path of a text file of your own (corpus file): first 90 % to train on'),
    generatedCharacters: option(positiveInteger, 200_000, 'length of the generated text'),
  }),
  v.forward(
    v.check(
      ({ corpus, file }) => (corpus === 'file') === (file !== ''),
      'a text file of your own needs both: --set data.corpus=file --set data.file=<path>',
    ),
    ['file'],
  ),
);

/** Where the weights begin. */
export const initialSchema = v.strictObject({
  from: option(
    v.string(),
    '',
    'fine-tune: folder, hub name or own name of a model, which then decides architecture and tokens',
  ),
});

/** The whole configuration of a run. */
export const configSchema = v.strictObject({
  model: v.optional(gptConfigSchema, { ...sizes['nano-cpu'] }),
  training: v.optional(trainingSchema, {}),
  data: v.optional(dataSchema, {}),
  initial: v.optional(initialSchema, {}),
});

/** The whole configuration of a run, complete. */
export type RunConfig = v.InferOutput<typeof configSchema>;
/** How a model is trained, complete. */
export type TrainingConfig = v.InferOutput<typeof trainingSchema>;

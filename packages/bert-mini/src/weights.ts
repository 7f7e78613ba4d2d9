/**
 * Weights on disk, in the layout of the Hugging Face hub: `config.json`, `model.safetensors` (or shards with an index),
 * `vocab.txt`. PyTorch's linear layers are [out, in]; ours are [in, out].
 */
import type { tf } from '@milestones/backend';
import {
  dataToTensors,
  encodeSafetensors,
  exportTensors,
  importTensors,
  insideFolder,
  loadBytes,
  loadModelConfig,
  loadModelWeights,
  tensorsToData,
  type EncodeOptions,
  type TensorData,
  type TensorPlace,
  completeConfig,
  describeIssues,
  fraction,
  positiveInteger,
  positiveNumber,
} from '@milestones/core';
import {
  locateModel,
  readTokenizerFiles,
  tokenizerFileNames,
  tokenizerFiles,
  WordPieceTokenizer,
  type LocateModelOptions,
  type TokenizerFiles,
} from '@milestones/datasets';
import * as v from 'valibot';
import { bertConfigSchema, type BertConfig } from './config.ts';
import type { BertClassifier, BertForPretraining } from './model.ts';

/** Weights that come with this package: the tiny size by the preset `laptop`, seed 1, as float16. */
export const pretrained = {
  /** Pre-trained on WikiText-2 and the sentences of SST-2: fills gaps. */
  'tiny-wikitext-2': new URL('../weights/tiny-wikitext-2/', import.meta.url),
  /** That one, tuned on all labels of SST-2: is a sentence negative or positive? */
  'tiny-sst-2': new URL('../weights/tiny-sst-2/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

/** Which heads a folder is read with. */
export type ModelKind = 'BertForPretraining' | 'BertClassifier';

const savedSchema = v.object({
  model_type: v.literal('bert'),
  vocab_size: positiveInteger,
  max_position_embeddings: v.optional(positiveInteger, 512),
  type_vocab_size: v.optional(positiveInteger, 2),
  hidden_size: positiveInteger,
  num_hidden_layers: positiveInteger,
  num_attention_heads: positiveInteger,
  intermediate_size: positiveInteger,
  hidden_act: v.optional(v.picklist(['gelu', 'gelu_new', 'gelu_pytorch_tanh']), 'gelu'),
  hidden_dropout_prob: v.optional(fraction, 0.1),
  layer_norm_eps: v.optional(positiveNumber, 1e-12),
  initializer_range: v.optional(positiveNumber, 0.02),
  position_embedding_type: v.optional(v.literal('absolute'), 'absolute'),
  is_decoder: v.optional(v.literal(false), false),
  id2label: v.optional(v.record(v.string(), v.string())),
});

const MOST_UNUSED_ROWS = 512;

/** A model as it was saved. The tensors are the caller's to dispose. */
export interface SavedBert {
  config: BertConfig;
  tokenizer: WordPieceTokenizer | undefined;
  /** The classes in the order of their numbers, where the folder has a classifier. */
  classNames: readonly string[] | undefined;
  state: Record<string, tf.Tensor>;
}

/**
 * Reads a model's folder. What the heads in question do not need is passed over; what they lack is an error.
 *
 * @param source a name of {@link pretrained}, a folder (a path in Node, a URL anywhere), or a model of the hub, `owner/model`
 */
export async function loadPretrained(
  kind: ModelKind,
  source: string | URL,
  options: LocateModelOptions = {},
): Promise<SavedBert> {
  const where = `${kind}.fromPretrained`;
  const isOwn = typeof source === 'string' && Object.hasOwn(pretrained, source);
  const folder = isOwn ? pretrained[source as PretrainedName] : await locateModel(source, options);
  const written = await loadModelConfig(where, folder).catch((error: unknown) => {
    if (!isOwn) throw error;
    throw new Error(
      `${where}: the weights '${source}' did not come with this copy of the package: train them (bert-mini reproduce --preset ` +
        `laptop) and give the folder model/ or classifier/ of that run, or the name of a BERT on the hub. (${(error as Error).message})`,
      { cause: error },
    );
  });
  const saved = v.safeParse(savedSchema, written);
  if (!saved.success) {
    throw new Error(
      `${where}: config.json of '${String(source)}' is not of a BERT that can be read here (${describeIssues(saved.issues)}); ` +
        'give the folder of a BERT model.',
    );
  }
  const config = configFrom(`${where}: config.json of '${String(source)}'`, saved.output);
  const tokenizer = await loadTokenizerOf(where, folder);
  // An embedding may be padded to a round number; hundreds of rows too many mean a vocabulary of another model.
  const unused = tokenizer === undefined ? 0 : config.vocabularySize - tokenizer.vocabularySize;
  if (tokenizer !== undefined && (unused < 0 || unused > MOST_UNUSED_ROWS)) {
    throw new Error(
      `${where}: the tokenizer of '${String(source)}' has ${tokenizer.vocabularySize} tokens and the model ` +
        `${config.vocabularySize}; the files belong to different models. Get vocab.txt from where the weights are from.`,
    );
  }
  const tensors = plainNames(await loadModelWeights(where, folder));
  const labels = Object.entries(saved.output.id2label ?? {}).toSorted(([a], [b]) => Number(a) - Number(b));
  let classNames: string[] | undefined;
  if (kind === 'BertClassifier') {
    const count = tensors['classifier.weight']?.shape[0];
    if (count === undefined) {
      throw new Error(
        `${where}: '${String(source)}' has no classifier (classifier.weight); fine-tune it first, or read it with BertForPretraining.`,
      );
    }
    classNames = Array.from({ length: count }, (_, index) => labels[index]?.[1] ?? `LABEL_${index}`);
  }
  const places = placesOf(config, kind, classNames?.length ?? 0);
  const names = new Set([...places.values()].map(({ name }) => name));
  const isOtherHead = (name: string): boolean => /^(cls|classifier)\./.test(name);
  const kept = Object.fromEntries(Object.entries(tensors).filter(([name]) => names.has(name) || !isOtherHead(name)));
  const imported = importTensors(`${where}: '${String(source)}'`, kept, places);
  return { config, tokenizer, classNames, state: dataToTensors(imported) };
}

/** The files of a model's folder, by name; the model must have its tokenizer. */
export async function encodePretrained(
  model: BertForPretraining | BertClassifier,
  options: Pick<EncodeOptions, 'dtype'> = {},
): Promise<Record<string, string | Uint8Array>> {
  const { tokenizer, config } = model;
  if (tokenizer === undefined) {
    throw new Error(
      'savePretrained: this model has no tokenizer; set model.tokenizer, so that its text can be read again.',
    );
  }
  const classNames = 'classNames' in model ? model.classNames : undefined;
  const kind: ModelKind = classNames === undefined ? 'BertForPretraining' : 'BertClassifier';
  const state = await tensorsToData(model.stateDict());
  const tensors = exportTensors(state, placesOf(config, kind, classNames?.length ?? 0));
  const renamed = Object.entries(tensors).map(([name, tensor]): [string, TensorData] => [
    /^(cls|classifier)\./.test(name) ? name : `bert.${name}`,
    tensor,
  ]);
  return {
    'config.json': `${JSON.stringify(configTo(config, kind, classNames), null, 2)}\n`,
    ...tokenizerFiles(tokenizer),
    'model.safetensors': encodeSafetensors(Object.fromEntries(renamed), { metadata: { format: 'pt' }, ...options }),
  };
}

function configFrom(where: string, saved: v.InferOutput<typeof savedSchema>): BertConfig {
  return completeConfig(where, bertConfigSchema, {
    vocabularySize: saved.vocab_size,
    contextLength: saved.max_position_embeddings,
    segments: saved.type_vocab_size,
    features: saved.hidden_size,
    layers: saved.num_hidden_layers,
    heads: saved.num_attention_heads,
    hidden: saved.intermediate_size,
    activation: saved.hidden_act === 'gelu' ? 'gelu' : 'geluTanh',
    dropout: saved.hidden_dropout_prob,
    normEpsilon: saved.layer_norm_eps,
    initialDeviation: saved.initializer_range,
  });
}

function configTo(config: BertConfig, kind: ModelKind, classNames: readonly string[] | undefined): object {
  return {
    architectures: [kind === 'BertClassifier' ? 'BertForSequenceClassification' : 'BertForPreTraining'],
    model_type: 'bert',
    vocab_size: config.vocabularySize,
    max_position_embeddings: config.contextLength,
    type_vocab_size: config.segments,
    hidden_size: config.features,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden === 0 ? 4 * config.features : config.hidden,
    hidden_act: config.activation === 'gelu' ? 'gelu' : 'gelu_new',
    hidden_dropout_prob: config.dropout,
    attention_probs_dropout_prob: config.dropout,
    layer_norm_eps: config.normEpsilon,
    initializer_range: config.initialDeviation,
    pad_token_id: 0,
    ...(classNames && { id2label: Object.fromEntries(classNames.map((name, index) => [index, name])) }),
  };
}

/** Without the prefix, in the present spelling, and without what is no weight or comes twice. */
function plainNames(tensors: Readonly<Record<string, TensorData>>): Record<string, TensorData> {
  const plain: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const short = name
      .replace(/^bert\./, '')
      .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
      .replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
    const isCopy = short === 'cls.predictions.decoder.weight' || short === 'cls.predictions.decoder.bias';
    if (short !== 'embeddings.position_ids' && !isCopy) plain[short] = tensor;
  }
  return plain;
}

/** Where each parameter is, by path; names without the prefix `bert.`. */
function placesOf(config: BertConfig, kind: ModelKind, classes: number): Map<string, TensorPlace> {
  const { vocabularySize, contextLength, segments, features: C, layers } = config;
  const hidden = config.hidden === 0 ? 4 * C : config.hidden;
  const places = new Map<string, TensorPlace>();
  const dense = (path: string, name: string, from: number, to: number): void => {
    places.set(`${path}.weight`, { name: `${name}.weight`, shape: [from, to], transposed: true });
    places.set(`${path}.bias`, { name: `${name}.bias`, shape: [to] });
  };
  const norm = (path: string, name: string): void => {
    for (const part of ['weight', 'bias']) places.set(`${path}.${part}`, { name: `${name}.${part}`, shape: [C] });
  };
  const table = (path: string, name: string, rows: number): void => {
    places.set(`bert.embeddings.${path}.weight`, { name: `embeddings.${name}_embeddings.weight`, shape: [rows, C] });
  };
  table('tokens', 'word', vocabularySize);
  table('positions', 'position', contextLength);
  table('segments', 'token_type', segments);
  norm('bert.embeddings.norm', 'embeddings.LayerNorm');
  for (let layer = 0; layer < layers; layer++) {
    const [path, name] = [`bert.blocks.${layer}`, `encoder.layer.${layer}`];
    for (const part of ['query', 'key', 'value'])
      dense(`${path}.attention.${part}`, `${name}.attention.self.${part}`, C, C);
    dense(`${path}.attention.output`, `${name}.attention.output.dense`, C, C);
    norm(`${path}.attentionNorm`, `${name}.attention.output.LayerNorm`);
    dense(`${path}.expand`, `${name}.intermediate.dense`, C, hidden);
    dense(`${path}.contract`, `${name}.output.dense`, hidden, C);
    norm(`${path}.feedForwardNorm`, `${name}.output.LayerNorm`);
  }
  dense('bert.pooler', 'pooler.dense', C, C);
  if (kind === 'BertClassifier') {
    dense('classifier', 'classifier', C, classes);
  } else {
    dense('transform', 'cls.predictions.transform.dense', C, C);
    norm('transformNorm', 'cls.predictions.transform.LayerNorm');
    places.set('outputBias', { name: 'cls.predictions.bias', shape: [vocabularySize] });
    dense('nextSentence', 'cls.seq_relationship', C, 2);
  }
  return places;
}

async function loadTokenizerOf(where: string, folder: string | URL): Promise<WordPieceTokenizer | undefined> {
  const texts: TokenizerFiles = {};
  for (const name of tokenizerFileNames) {
    const bytes = await loadBytes(insideFolder(folder, name)).catch(() => undefined);
    if (bytes !== undefined) texts[name] = new TextDecoder().decode(bytes);
  }
  if (Object.keys(texts).every((name) => name === 'tokenizer_config.json')) return undefined;
  const tokenizer = readTokenizerFiles(texts);
  if (tokenizer instanceof WordPieceTokenizer) return tokenizer;
  throw new Error(
    `${where}: the tokenizer of '${String(folder)}' is not BERT's (WordPiece); the files belong to different models.`,
  );
}

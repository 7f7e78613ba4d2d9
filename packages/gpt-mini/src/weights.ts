/**
 * Weights on disk. A model is a folder. Ours has three files: `config.json` (the architecture), `model.safetensors` (the
 * weights, by parameter path) and `tokenizer.json` (the characters). GPT-2's, from the Hugging Face hub, has its own names in
 * `config.json` and in the weights, and `vocab.json` with `merges.txt`; see gpt2-weights.ts.
 */
import type { tf } from '@milestones/backend';
import {
  dataToTensors,
  encodeSafetensors,
  insideFolder,
  loadBytes,
  loadModelConfig,
  loadModelWeights,
  tensorsToData,
  type TensorData,
  describeIssues,
} from '@milestones/core';
import {
  ByteLevelTokenizer,
  CharacterTokenizer,
  locateModel,
  readTokenizerFiles,
  tokenizerFileNames,
  tokenizerFiles,
  WordPieceTokenizer,
  type LocateModelOptions,
  type Tokenizer,
  type TokenizerFileName,
  type TokenizerFiles,
} from '@milestones/datasets';
import * as v from 'valibot';
import { gptConfigSchema, type GptConfig } from './config.ts';
import { configFromGpt2, configToGpt2, exportGpt2, importGpt2, isGpt2 } from './gpt2-weights.ts';
import type { Gpt } from './model.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** `lecture-small` trained on tiny Shakespeare by the preset `laptop`, seed 1. */
  'shakespeare-char': new URL('../weights/shakespeare-char/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const files = { config: 'config.json', weights: 'model.safetensors', tokenizer: 'tokenizer.json' } as const;
const savedConfigSchema = v.strictObject({
  milestone: v.literal('gpt-mini'),
  model: gptConfigSchema,
});

/** A model as it was saved. The tensors are the caller's to dispose. */
export interface SavedGpt {
  config: GptConfig;
  /** Undefined where a folder of GPT-2 has no tokenizer files. */
  tokenizer: Tokenizer | undefined;
  state: Record<string, tf.Tensor>;
}

/**
 * Reads a model's folder.
 *
 * @param source a name of {@link pretrained}, a folder (a path in Node, a URL anywhere), or a model of the Hugging Face hub,
 * `owner/model`
 */
export async function loadPretrained(source: string | URL, options: LocateModelOptions = {}): Promise<SavedGpt> {
  const isOwn = typeof source === 'string' && Object.hasOwn(pretrained, source);
  const folder = isOwn ? pretrained[source as PretrainedName] : await locateModel(source, options);
  const name = String(source);
  const written = await loadModelConfig(where, folder).catch((error: unknown) => {
    throw new Error(`${hint(name, files.config)} (${(error as Error).message})`, { cause: error });
  });
  if (isGpt2(written)) {
    const config = configFromGpt2(name, written);
    const tokenizer = await loadTokenizerOf(folder);
    checkTokenizer(name, tokenizer, config);
    const tensors = await loadModelWeights(where, folder);
    return { config, tokenizer, state: dataToTensors(importGpt2(name, tensors, config)) };
  }
  const saved = v.safeParse(savedConfigSchema, written);
  if (!saved.success) {
    throw new Error(
      `Gpt.fromPretrained: ${files.config} of '${name}' is not the configuration of a gpt-mini model ` +
        `(${describeIssues(saved.issues)}), nor of a GPT-2 model of the hub; give a folder that savePretrained wrote.`,
    );
  }
  const tokenizer = await loadTokenizerOf(folder, [files.tokenizer]);
  if (tokenizer === undefined) throw new Error(hint(name, files.tokenizer));
  checkTokenizer(name, tokenizer, saved.output.model);
  const tensors = await loadModelWeights(where, folder);
  return { config: saved.output.model, tokenizer, state: dataToTensors(tensors) };
}

/** How {@link encodePretrained} writes. */
export interface EncodePretrainedOptions {
  /**
   * `huggingface`: GPT-2's names, which other frameworks read; `milestones`: our own, for every architecture. Default:
   * `huggingface` where the model has GPT-2's kind of tokenizer.
   */
  layout?: 'huggingface' | 'milestones' | undefined;
}

/** The files of a model's folder, by name; the model must have its tokenizer. */
export async function encodePretrained(
  model: Gpt,
  options: EncodePretrainedOptions = {},
): Promise<Record<string, string | Uint8Array>> {
  const { tokenizer, config } = model;
  if (tokenizer === undefined) {
    throw new Error(
      'encodePretrained: this model has no tokenizer; set model.tokenizer, so that its text can be read again.',
    );
  }
  const { layout = tokenizer instanceof ByteLevelTokenizer ? 'huggingface' : 'milestones' } = options;
  const state = await tensorsToData(model.stateDict());
  const encode = (tensors: Record<string, TensorData>, format: string): Uint8Array =>
    encodeSafetensors(tensors, { metadata: { format } });
  if (layout === 'huggingface') {
    return {
      [files.config]: `${JSON.stringify(configToGpt2(config), null, 2)}\n`,
      ...tokenizerFiles(tokenizer),
      // "pt" is what readers of the hub's files expect: row-major, as PyTorch has it.
      [files.weights]: encode(exportGpt2(state, config), 'pt'),
    };
  }
  return {
    [files.config]: `${JSON.stringify({ milestone: 'gpt-mini', model: config }, null, 2)}\n`,
    [files.tokenizer]: `${JSON.stringify(tokenizer.toJSON())}\n`,
    [files.weights]: encode(state, 'milestones'),
  };
}

const where = 'Gpt.fromPretrained';

function hint(source: string, file: string): string {
  return (
    `Gpt.fromPretrained: '${source}' has no readable ${file}; give a folder with ${Object.values(files).join(', ')}, ` +
    `or one of the names: ${Object.keys(pretrained).join(', ')}.`
  );
}

/** The tokenizer of a folder; undefined where it has no tokenizer files. */
async function loadTokenizerOf(
  folder: string | URL,
  names: readonly TokenizerFileName[] = tokenizerFileNames,
): Promise<Tokenizer | undefined> {
  const texts: TokenizerFiles = {};
  for (const name of names) {
    const bytes = await loadBytes(insideFolder(folder, name)).catch(() => undefined);
    if (bytes !== undefined) texts[name] = new TextDecoder().decode(bytes);
  }
  if (Object.keys(texts).every((name) => name === 'tokenizer_config.json')) return undefined;
  return readTokenizerFiles(texts);
}

function checkTokenizer(source: string, tokenizer: Tokenizer | undefined, { vocabularySize }: GptConfig): void {
  if (tokenizer === undefined) return;
  if (tokenizer instanceof WordPieceTokenizer) {
    throw new Error(
      `Gpt.fromPretrained: the tokenizer of '${source}' is BERT's (WordPiece); the files belong to different models. ` +
        'Get vocab.json and merges.txt from where the weights are from.',
    );
  }
  // Other models pad their embedding to a round number; a tokenizer with more tokens than the model is of another one.
  const fits =
    tokenizer instanceof CharacterTokenizer
      ? tokenizer.vocabularySize === vocabularySize
      : tokenizer.vocabularySize <= vocabularySize;
  if (fits) return;
  throw new Error(
    `Gpt.fromPretrained: the tokenizer of '${source}' has ${tokenizer.vocabularySize} tokens and the model ` +
      `${vocabularySize}; the files belong to different models.`,
  );
}

/**
 * Weights on disk. A model is a folder of four files: `config.json` (the architecture), `model.safetensors` (the weights,
 * by parameter path), `source-tokenizer.json` and `target-tokenizer.json`.
 */
import type { tf } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  encodeSafetensors,
  loadBytes,
  tensorsToData,
  widenToFloat32,
  describeIssues,
} from '@milestones/core';
import { tokenizerFromJSON, type Tokenizer } from '@milestones/datasets';
import * as v from 'valibot';
import { transformerConfigSchema, type TransformerConfig } from './config.ts';
import type { Transformer } from './model.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** `tiny` trained on Multi30k, German to English, by the preset `tiny`, seed 1. */
  'multi30k-de-en': new URL('../weights/multi30k-de-en/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const files = {
  config: 'config.json',
  weights: 'model.safetensors',
  source: 'source-tokenizer.json',
  target: 'target-tokenizer.json',
} as const;
const savedConfigSchema = v.strictObject({
  milestone: v.literal('transformer'),
  model: transformerConfigSchema,
});

/** A model as it was saved. The tensors are the caller's to dispose. */
export interface SavedTransformer {
  config: TransformerConfig;
  tokenizers: { source: Tokenizer; target: Tokenizer };
  state: Record<string, tf.Tensor>;
}

/**
 * Reads a model's folder.
 *
 * @param source a name of {@link pretrained}, or a folder: a path in Node, a URL anywhere
 */
export async function loadPretrained(source: string | URL): Promise<SavedTransformer> {
  const folder =
    typeof source === 'string' && Object.hasOwn(pretrained, source) ? pretrained[source as PretrainedName] : source;
  const load = async (file: string): Promise<Uint8Array> => {
    try {
      return await loadBytes(inside(folder, file));
    } catch (error) {
      const remedy =
        folder === source
          ? `give a folder with ${Object.values(files).join(', ')}, such as model in the folder of a run, or one of the ` +
            `names: ${Object.keys(pretrained).join(', ')}.`
          : 'these weights did not come with this copy of the package: train them by reproduce --preset tiny, and give the ' +
            'folder model-averaged of that run.';
      throw new Error(
        `Transformer.fromPretrained: '${String(source)}' has no readable ${file}; ${remedy} (${(error as Error).message})`,
        { cause: error },
      );
    }
  };
  const parse = async (file: string): Promise<unknown> => {
    try {
      return JSON.parse(new TextDecoder().decode(await load(file)));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new Error(
        `Transformer.fromPretrained: ${file} of '${String(source)}' is not JSON (${error.message}); save the model anew.`,
        { cause: error },
      );
    }
  };
  const saved = v.safeParse(savedConfigSchema, await parse(files.config));
  if (!saved.success) {
    throw new Error(
      `Transformer.fromPretrained: ${files.config} of '${String(source)}' is not the configuration of a transformer model ` +
        `(${describeIssues(saved.issues)}); give a folder that savePretrained wrote.`,
    );
  }
  const config = saved.output.model;
  const tokenizers = {
    source: tokenizerFromJSON(await parse(files.source)),
    target: tokenizerFromJSON(await parse(files.target)),
  };
  checkVocabularies(config, tokenizers, `Transformer.fromPretrained: '${String(source)}'`);
  const { tensors } = decodeSafetensors(await load(files.weights));
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype === 'float16' || tensor.dtype === 'bfloat16') {
      tensors[name] = { dtype: 'float32', shape: tensor.shape, data: widenToFloat32(tensor) };
    }
  }
  return { config, tokenizers, state: dataToTensors(tensors) };
}

/**
 * The files of a model's folder, by name; the model must have its tokenizers.
 *
 * @param options `dtype: 'float16'` halves the size of the weights
 */
export async function encodePretrained(
  model: Transformer,
  options: { dtype?: 'float16' } = {},
): Promise<Record<string, string | Uint8Array>> {
  const { tokenizers, config } = model;
  if (tokenizers === undefined) {
    throw new Error(
      'encodePretrained: this model has no tokenizers; set model.tokenizers, so that its text can be read again.',
    );
  }
  checkVocabularies(config, tokenizers, 'encodePretrained: the model');
  const tensors = await tensorsToData(model.stateDict());
  return {
    [files.config]: `${JSON.stringify({ milestone: 'transformer', model: config }, null, 2)}\n`,
    [files.source]: `${JSON.stringify(tokenizers.source.toJSON())}\n`,
    [files.target]: `${JSON.stringify(tokenizers.target.toJSON())}\n`,
    [files.weights]: encodeSafetensors(tensors, { metadata: { format: 'milestones' }, ...options }),
  };
}

/** @throws when the tokenizers know another number of tokens than the model */
export function checkVocabularies(
  { sourceVocabulary, targetVocabulary }: TransformerConfig,
  { source, target }: { source: Tokenizer; target: Tokenizer },
  where: string,
): void {
  if (source.vocabularySize === sourceVocabulary && target.vocabularySize === targetVocabulary) return;
  throw new Error(
    `${where} has weights for ${sourceVocabulary} source and ${targetVocabulary} target tokens, and tokenizers of ` +
      `${source.vocabularySize} and ${target.vocabularySize}; the files belong to different models.`,
  );
}

function inside(folder: string | URL, file: string): string | URL {
  if (typeof folder === 'string') return `${folder.replace(/[/\\]$/, '')}/${file}`;
  return new URL(file, folder.href.endsWith('/') ? folder : `${folder.href}/`);
}

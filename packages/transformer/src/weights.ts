/**
 * Weights on disk. A model is a folder of four files: `config.json` (the architecture), `model.safetensors` (the weights,
 * by parameter path), `source-tokenizer.json` and `target-tokenizer.json`.
 */
import { encodeOwnModel, openOwnModel, type OwnModelFolder } from '@milestones/core';
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

const files = { source: 'source-tokenizer.json', target: 'target-tokenizer.json' } as const;
const savedSchema = v.strictObject({
  milestone: v.literal('transformer'),
  model: transformerConfigSchema,
});

/** A model as it was saved. */
export interface SavedTransformer extends Pick<OwnModelFolder<unknown>, 'weights'> {
  config: TransformerConfig;
  tokenizers: { source: Tokenizer; target: Tokenizer };
}

/**
 * Opens a model's folder.
 *
 * @param source a name of {@link pretrained}, or a folder: a path in Node, a URL anywhere
 */
export async function openPretrained(source: string | URL): Promise<SavedTransformer> {
  const where = 'Transformer.fromPretrained';
  const folder = await openOwnModel(source, {
    where,
    what: 'a transformer model',
    schema: savedSchema,
    pretrained,
    moreFiles: Object.values(files),
    train: () => 'train them (transformer reproduce --preset tiny) and give the folder model-averaged/ of that run',
  });
  const config = folder.config.model;
  const tokenizers = {
    source: tokenizerFromJSON(await folder.json(files.source)),
    target: tokenizerFromJSON(await folder.json(files.target)),
  };
  checkVocabularies(config, tokenizers, `${where}: '${String(source)}'`);
  return { config, tokenizers, weights: folder.weights };
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
  return {
    [files.source]: `${JSON.stringify(tokenizers.source.toJSON())}\n`,
    [files.target]: `${JSON.stringify(tokenizers.target.toJSON())}\n`,
    ...(await encodeOwnModel(model, { milestone: 'transformer', model: config }, options)),
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

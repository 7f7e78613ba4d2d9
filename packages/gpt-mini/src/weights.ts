/**
 * Weights on disk. A model is a folder of three files: `config.json` (the architecture), `model.safetensors` (the
 * weights, by parameter path) and `tokenizer.json` (the characters).
 */
import type { tf } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  encodeSafetensors,
  loadBytes,
  tensorsToData,
  widenToFloat32,
} from '@milestones/core';
import { CharacterTokenizer, type Tokenizer } from '@milestones/datasets';
import { z } from 'zod';
import { gptConfigSchema, type GptConfig } from './config.ts';
import type { Gpt } from './model.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** `lecture-small` trained on tiny Shakespeare by the preset `laptop`, seed 1. */
  'shakespeare-char': new URL('../weights/shakespeare-char/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const files = { config: 'config.json', weights: 'model.safetensors', tokenizer: 'tokenizer.json' } as const;
const savedConfigSchema = z.strictObject({ milestone: z.literal('gpt-mini'), model: gptConfigSchema });

/**
 * Reads a model's folder. The tensors are the caller's to dispose.
 *
 * @param source a name of {@link pretrained}, or a folder: a path in Node, a URL anywhere
 */
export async function loadPretrained(
  source: string | URL,
): Promise<{ config: GptConfig; tokenizer: Tokenizer; state: Record<string, tf.Tensor> }> {
  const folder =
    typeof source === 'string' && Object.hasOwn(pretrained, source) ? pretrained[source as PretrainedName] : source;
  const load = async (file: string): Promise<Uint8Array> => {
    const location =
      folder instanceof URL ? new URL(file, withSlash(folder)) : `${folder.replace(/[/\\]$/, '')}/${file}`;
    try {
      return await loadBytes(location);
    } catch (error) {
      throw new Error(
        `Gpt.fromPretrained: '${String(source)}' has no readable ${file}; give a folder with ${Object.values(files).join(', ')}, ` +
          `or one of the names: ${Object.keys(pretrained).join(', ')}. (${(error as Error).message})`,
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
        `Gpt.fromPretrained: ${file} of '${String(source)}' is not JSON (${error.message}); save the model anew.`,
        { cause: error },
      );
    }
  };
  const saved = savedConfigSchema.safeParse(await parse(files.config));
  if (!saved.success) {
    throw new Error(
      `Gpt.fromPretrained: ${files.config} of '${String(source)}' is not the configuration of a gpt-mini model ` +
        `(${z.prettifyError(saved.error)}); give a folder that savePretrained wrote.`,
    );
  }
  const tokenizer = CharacterTokenizer.fromJSON(await parse(files.tokenizer));
  if (tokenizer.vocabularySize !== saved.data.model.vocabularySize) {
    throw new Error(
      `Gpt.fromPretrained: the tokenizer of '${String(source)}' has ${tokenizer.vocabularySize} tokens and the model ` +
        `${saved.data.model.vocabularySize}; the files belong to different models.`,
    );
  }
  const { tensors } = decodeSafetensors(await load(files.weights));
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype === 'float16' || tensor.dtype === 'bfloat16') {
      tensors[name] = { dtype: 'float32', shape: tensor.shape, data: widenToFloat32(tensor) };
    }
  }
  return { config: saved.data.model, tokenizer, state: dataToTensors(tensors) };
}

/** The files of a model's folder, by name; the model must have its tokenizer. */
export async function encodePretrained(model: Gpt): Promise<Record<string, string | Uint8Array>> {
  if (model.tokenizer === undefined) {
    throw new Error(
      'encodePretrained: this model has no tokenizer; set model.tokenizer, so that its text can be read again.',
    );
  }
  return {
    [files.config]: `${JSON.stringify({ milestone: 'gpt-mini', model: model.config }, null, 2)}\n`,
    [files.tokenizer]: `${JSON.stringify(model.tokenizer.toJSON())}\n`,
    [files.weights]: encodeSafetensors(await tensorsToData(model.stateDict()), { metadata: { format: 'milestones' } }),
  };
}

function withSlash(folder: URL): URL {
  return folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`);
}

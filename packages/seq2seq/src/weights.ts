/**
 * Weights on disk. A model is a folder of three files: `config.json` (the architecture), `vocabulary.json` (languages and
 * tokenizers) and `model.safetensors` (the weights, by parameter path).
 */
import { tf } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  encodeSafetensors,
  loadBytes,
  tensorsToData,
  widenToFloat32,
  describeIssues,
} from '@milestones/core';
import * as v from 'valibot';
import { createTranslator } from './attention.ts';
import { translatorConfigSchema } from './config.ts';
import type { Translator } from './model.ts';
import { TextPair } from './text-pair.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** The attention model of the preset `laptop`, German to English, seed 1. */
  'multi30k-de-en': new URL('../weights/multi30k-de-en/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const files = { config: 'config.json', vocabulary: 'vocabulary.json', weights: 'model.safetensors' } as const;
const savedConfigSchema = v.strictObject({
  milestone: v.literal('seq2seq'),
  model: translatorConfigSchema,
});

/**
 * A model with its vocabularies, in evaluation mode.
 *
 * @param source a name of {@link pretrained}, or the folder that `savePretrained` wrote: a path (in Node) or a URL
 * @throws when a file is missing or damaged, or the files belong to different models
 */
export async function fromPretrained(source: PretrainedName | (string & {}) | URL): Promise<Translator> {
  const folder =
    typeof source === 'string' && Object.hasOwn(pretrained, source) ? pretrained[source as PretrainedName] : source;
  const load = async (file: string): Promise<Uint8Array> => {
    const location =
      folder instanceof URL ? new URL(file, withSlash(folder)) : `${folder.replace(/[/\\]$/, '')}/${file}`;
    try {
      return await loadBytes(location);
    } catch (error) {
      const remedy =
        folder === source
          ? `give a folder with ${Object.values(files).join(', ')}, or one of the names: ${Object.keys(pretrained).join(', ')}.`
          : 'these weights did not come with this copy of the package: train them by reproduce --preset laptop, and give the ' +
            'folder model-attention of that run.';
      throw new Error(
        `fromPretrained: '${String(source)}' has no readable ${file}; ${remedy} (${(error as Error).message})`,
        { cause: error },
      );
    }
  };
  const parse = async (file: string): Promise<unknown> => {
    const text = new TextDecoder().decode(await load(file));
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(
        `fromPretrained: ${file} of '${String(source)}' is not JSON (${(error as Error).message}); save the model anew.`,
        { cause: error },
      );
    }
  };
  const saved = v.safeParse(savedConfigSchema, await parse(files.config));
  if (!saved.success) {
    throw new Error(
      `fromPretrained: ${files.config} of '${String(source)}' is not the configuration of a seq2seq model ` +
        `(${describeIssues(saved.issues)}); give a folder that savePretrained wrote.`,
    );
  }
  const model = createTranslator(saved.output.model);
  model.text = TextPair.fromJSON(await parse(files.vocabulary));
  checkVocabularies(model, `fromPretrained: of '${String(source)}'`);
  const { tensors } = decodeSafetensors(await load(files.weights));
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype === 'float16' || tensor.dtype === 'bfloat16') {
      tensors[name] = { dtype: 'float32', shape: tensor.shape, data: widenToFloat32(tensor) };
    }
  }
  const state = dataToTensors(tensors);
  try {
    model.loadStateDict(state);
  } finally {
    tf.dispose(state);
  }
  return model.eval();
}

/**
 * The files of a model's folder, by name; the model must have its vocabularies.
 *
 * @param options `float16`: half the size, 11 bits of precision
 */
export async function encodePretrained(
  model: Translator,
  options: { float16?: boolean } = {},
): Promise<Record<string, string | Uint8Array>> {
  if (model.text === undefined) {
    throw new Error(
      'encodePretrained: this model has no vocabularies; set model.text, so that it can read and write text again.',
    );
  }
  checkVocabularies(model, 'encodePretrained:');
  const tensors = await tensorsToData(model.stateDict());
  return {
    [files.config]: `${JSON.stringify({ milestone: 'seq2seq', model: model.config }, null, 2)}\n`,
    [files.vocabulary]: `${JSON.stringify(model.text.toJSON())}\n`,
    [files.weights]: encodeSafetensors(tensors, {
      metadata: { format: 'milestones' },
      ...(options.float16 === true && { dtype: 'float16' }),
    }),
  };
}

/** The vocabularies must be those of the embeddings, or every word would become another one. */
function checkVocabularies({ config, text }: Translator, where: string): void {
  const sides = [
    ['source', text!.source.vocabularySize, config.sourceVocabulary],
    ['target', text!.target.vocabularySize, config.targetVocabulary],
  ] as const;
  for (const [side, vocabulary, embedding] of sides) {
    if (vocabulary === embedding) continue;
    throw new Error(
      `${where} the ${side} vocabulary has ${vocabulary} tokens and the model ${embedding}; ` +
        'the files belong to different models, so take all of them from the same folder.',
    );
  }
}

function withSlash(folder: URL): URL {
  return folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`);
}

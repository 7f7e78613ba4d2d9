/**
 * Weights on disk. A model is a folder of three files: `config.json` (the architecture), `vocabulary.json` (languages and
 * tokenizers) and `model.safetensors` (the weights, by parameter path).
 */
import { encodeOwnModel, loadOwnWeights, openOwnModel } from '@milestones/core';
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

const vocabularyFile = 'vocabulary.json';
const savedSchema = v.strictObject({
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
  const folder = await openOwnModel(source, {
    where: 'fromPretrained',
    what: 'a seq2seq model',
    schema: savedSchema,
    pretrained,
    moreFiles: [vocabularyFile],
    train: () => 'train them (seq2seq reproduce --preset laptop) and give the folder model-attention/ of that run',
  });
  const model = createTranslator(folder.config.model);
  model.text = TextPair.fromJSON(await folder.json(vocabularyFile));
  checkVocabularies(model, `fromPretrained: of '${String(source)}'`);
  await loadOwnWeights(model, folder);
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
  return {
    [vocabularyFile]: `${JSON.stringify(model.text.toJSON())}\n`,
    ...(await encodeOwnModel(
      model,
      { milestone: 'seq2seq', model: model.config },
      options.float16 === true ? { dtype: 'float16' } : {},
    )),
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

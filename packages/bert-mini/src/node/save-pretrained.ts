/** What needs files: saving a model. */
import type { EncodeOptions } from '@milestones/core';
import { saveFolder } from '@milestones/core/node';
import type { BertClassifier, BertForPretraining } from '../model.ts';
import { encodePretrained } from '../weights.ts';

/** Writes a model's folder, which `fromPretrained` and other frameworks read. Each file is complete or not there. */
export async function savePretrained(
  model: BertForPretraining | BertClassifier,
  folder: string,
  options: Pick<EncodeOptions, 'dtype'> = {},
): Promise<void> {
  await saveFolder(folder, await encodePretrained(model, options));
}

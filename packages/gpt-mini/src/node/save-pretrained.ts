/** What needs files: saving a model. */
import { saveFolder } from '@milestones/core/node';
import type { Gpt } from '../model.ts';
import { encodePretrained, type EncodePretrainedOptions } from '../weights.ts';

/** Writes a model's folder, which `Gpt.fromPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(model: Gpt, folder: string, options: EncodePretrainedOptions = {}): Promise<void> {
  await saveFolder(folder, await encodePretrained(model, options));
}

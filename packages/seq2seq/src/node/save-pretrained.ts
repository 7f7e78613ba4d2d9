/** What needs files: saving a model. */
import { saveFolder } from '@milestones/core/node';
import type { Translator } from '../model.ts';
import { encodePretrained } from '../weights.ts';

/** Writes a model's folder, which `fromPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(
  model: Translator,
  folder: string,
  options: { float16?: boolean } = {},
): Promise<void> {
  await saveFolder(folder, await encodePretrained(model, options));
}

/** What needs files: saving a model. */
import { saveFolder } from '@milestones/core/node';
import type { ResNet } from '../model.ts';
import { encodePretrained } from '../weights.ts';

/** Writes a model's folder, which `ResNet.fromPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(model: ResNet, folder: string): Promise<void> {
  await saveFolder(folder, await encodePretrained(model));
}

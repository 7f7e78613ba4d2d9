/** What needs files: saving a model. */
import { saveFolder } from '@milestones/core/node';
import type { CifarNet } from '../cifar-net.ts';
import { encodePretrained } from '../weights.ts';

/** Writes a model's folder, which `CifarNet.fromPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(model: CifarNet, folder: string): Promise<void> {
  await saveFolder(folder, await encodePretrained(model));
}

/** What needs files: saving a generator. */
import { saveFolder } from '@milestones/core/node';
import type { DcganGenerator } from '../dcgan.ts';
import type { Generator } from '../model.ts';
import { encodeGenerator } from '../weights.ts';

/** Writes a generator's folder, which `loadGenerator` reads again. Each file is complete or not there. */
export async function saveGenerator(generator: Generator | DcganGenerator, folder: string): Promise<void> {
  await saveFolder(folder, await encodeGenerator(generator));
}

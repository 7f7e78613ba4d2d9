/** What needs files: saving a generator. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import type { DcganGenerator } from '../dcgan.ts';
import type { Generator } from '../model.ts';
import { encodeGenerator } from '../weights.ts';

/** Writes a generator's folder, which `loadGenerator` reads again. Each file is complete or not there. */
export async function saveGenerator(generator: Generator | DcganGenerator, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(await encodeGenerator(generator))) {
    await saveFile(join(folder, name), content);
  }
}

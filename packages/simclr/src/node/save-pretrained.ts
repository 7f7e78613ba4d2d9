/** What needs files: saving a network. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import type { SimCLR } from '../model.ts';
import { encodePretrained } from '../weights.ts';

/** Writes a network's folder, which `SimCLR.fromPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(model: SimCLR, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(await encodePretrained(model))) {
    await saveFile(join(folder, name), content);
  }
}

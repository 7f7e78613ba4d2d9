/** What needs files: saving a model. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import type { BertClassifier, BertForPretraining } from '../model.ts';
import { encodePretrained } from '../weights.ts';

/** Writes a model's folder, which `fromPretrained` and other frameworks read. Each file is complete or not there. */
export async function savePretrained(model: BertForPretraining | BertClassifier, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(await encodePretrained(model))) {
    await saveFile(join(folder, name), content);
  }
}

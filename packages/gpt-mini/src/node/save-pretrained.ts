/** What needs files: saving a model. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import type { Gpt } from '../model.ts';
import { encodePretrained, type EncodePretrainedOptions } from '../weights.ts';

/** Writes a model's folder, which `Gpt.fromPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(model: Gpt, folder: string, options: EncodePretrainedOptions = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(await encodePretrained(model, options)))
    await saveFile(join(folder, name), content);
}

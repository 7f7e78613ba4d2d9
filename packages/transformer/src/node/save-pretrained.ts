/** What needs files: saving a model. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import type { Transformer } from '../model.ts';
import { encodePretrained } from '../weights.ts';

/**
 * Writes a model's folder, which `Transformer.fromPretrained` reads again. Each file is complete or not there.
 *
 * @param options `dtype: 'float16'` halves the size of the weights
 */
export async function savePretrained(
  model: Transformer,
  folder: string,
  options: { dtype?: 'float16' } = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(await encodePretrained(model, options)))
    await saveFile(join(folder, name), content);
}

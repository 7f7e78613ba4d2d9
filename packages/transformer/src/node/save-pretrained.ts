/** What needs files: saving a model. */
import { saveFolder } from '@milestones/core/node';
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
  await saveFolder(folder, await encodePretrained(model, options));
}

/** What needs files: saving a network. */
import type { EncodeOptions } from '@milestones/core';
import { saveFolder } from '@milestones/core/node';
import type { SimCLR } from '../model.ts';
import { encodePretrained } from '../weights.ts';

/** Writes a network's folder, which `SimCLR.fromPretrained` reads again. Each file is complete or not there. */
export async function savePretrained(
  model: SimCLR,
  folder: string,
  options: Pick<EncodeOptions, 'dtype'> = {},
): Promise<void> {
  await saveFolder(folder, await encodePretrained(model, options));
}

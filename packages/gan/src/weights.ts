/**
 * A trained generator on disk: a folder of two files, `config.json` (which networks, their sizes) and `model.safetensors`
 * (the generator's weights, by parameter path).
 */
import { encodeOwnModel, loadOwnWeights, openOwnModel } from '@milestones/core';
import * as v from 'valibot';
import { dcganSchema, modelSchema } from './config.ts';
import { DcganGenerator } from './dcgan.ts';
import { Generator } from './model.ts';

const savedSchema = v.variant('kind', [
  v.strictObject({ milestone: v.literal('gan'), kind: v.literal('images'), model: modelSchema }),
  v.strictObject({ milestone: v.literal('gan'), kind: v.literal('dcgan'), model: dcganSchema }),
]);

/**
 * Reads a generator that a run saved.
 *
 * @param folder a path in Node, a URL anywhere
 * @throws when the folder does not hold a generator of this package; the message names the file
 */
export async function loadGenerator(folder: string | URL): Promise<Generator | DcganGenerator> {
  const opened = await openOwnModel(folder, {
    where: 'loadGenerator',
    what: 'a generator; the folder model/ of a run of gan holds one',
    schema: savedSchema,
  });
  const { config } = opened;
  const generator = config.kind === 'images' ? new Generator(config.model) : new DcganGenerator(config.model);
  await loadOwnWeights(generator, opened);
  generator.eval();
  return generator;
}

/** The files of a generator's folder, by name. */
export function encodeGenerator(generator: Generator | DcganGenerator): Promise<Record<string, string | Uint8Array>> {
  const kind = generator instanceof Generator ? 'images' : 'dcgan';
  return encodeOwnModel(generator, { milestone: 'gan', kind, model: generator.config });
}

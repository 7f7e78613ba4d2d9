/**
 * A trained generator on disk: a folder of two files, `config.json` (which networks, their sizes) and `model.safetensors`
 * (the generator's weights, by parameter path).
 */
import {
  dataToTensors,
  describeIssues,
  encodeSafetensors,
  loadModelConfig,
  loadModelWeights,
  modelFiles,
  tensorsToData,
} from '@milestones/core';
import { tf } from '@milestones/backend';
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
  const where = 'loadGenerator';
  const saved = v.safeParse(savedSchema, await loadModelConfig(where, folder));
  if (!saved.success) {
    throw new Error(
      `${where}: ${modelFiles.config} of '${String(folder)}' is not of a generator (${describeIssues(saved.issues)}); give ` +
        'the folder model/ of a run of gan.',
    );
  }
  const state = dataToTensors(await loadModelWeights(where, folder));
  const generator =
    saved.output.kind === 'images' ? new Generator(saved.output.model) : new DcganGenerator(saved.output.model);
  try {
    generator.initialize(0);
    generator.loadStateDict(state);
  } catch (error) {
    generator.dispose();
    throw error;
  } finally {
    tf.dispose(state);
  }
  generator.eval();
  return generator;
}

/** The files of a generator's folder, by name. */
export async function encodeGenerator(
  generator: Generator | DcganGenerator,
): Promise<Record<string, string | Uint8Array>> {
  const kind = generator instanceof Generator ? 'images' : 'dcgan';
  const config = { milestone: 'gan', kind, model: generator.config };
  return {
    [modelFiles.config]: `${JSON.stringify(config, null, 2)}\n`,
    [modelFiles.weights]: encodeSafetensors(await tensorsToData(generator.stateDict()), {
      metadata: { format: 'milestones' },
    }),
  };
}

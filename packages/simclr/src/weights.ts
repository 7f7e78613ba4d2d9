/**
 * A trained network on disk: a folder of two files, `config.json` (architecture, size of the images) and
 * `model.safetensors` (the weights of encoder and head, by parameter path).
 */
import type { tf } from '@milestones/backend';
import {
  dataToTensors,
  describeIssues,
  encodeSafetensors,
  loadModelConfig,
  loadModelWeights,
  modelFiles,
  positiveInteger,
  tensorsToData,
} from '@milestones/core';
import * as v from 'valibot';
import { modelSchema, type ModelConfig } from './config.ts';
import type { SimCLR } from './model.ts';

const savedSchema = v.strictObject({
  milestone: v.literal('simclr'),
  model: modelSchema,
  imageSize: positiveInteger,
});

/** A network as it was saved. The tensors are the caller's to dispose. */
export interface SavedSimCLR {
  config: ModelConfig;
  imageSize: number;
  state: Record<string, tf.Tensor>;
}

/** Reads a network's folder: a path in Node, a URL anywhere. */
export async function loadPretrained(folder: string | URL): Promise<SavedSimCLR> {
  const where = 'SimCLR.fromPretrained';
  const saved = v.safeParse(savedSchema, await loadModelConfig(where, folder));
  if (!saved.success) {
    throw new Error(
      `${where}: ${modelFiles.config} of '${String(folder)}' is not of a simclr network (${describeIssues(saved.issues)}); ` +
        'give a folder that savePretrained wrote, such as model/ of a run.',
    );
  }
  const { model: config, imageSize } = saved.output;
  return { config, imageSize, state: dataToTensors(await loadModelWeights(where, folder)) };
}

/** The files of a network's folder, by name; the network must know the size of its images. */
export async function encodePretrained(model: SimCLR): Promise<Record<string, string | Uint8Array>> {
  const { imageSize } = model;
  if (imageSize === undefined) {
    throw new Error(
      'encodePretrained: this network has no image size; set model.imageSize, so that it can be used again.',
    );
  }
  const config = { milestone: 'simclr', model: model.config, imageSize };
  return {
    [modelFiles.config]: `${JSON.stringify(config, null, 2)}\n`,
    [modelFiles.weights]: encodeSafetensors(await tensorsToData(model.stateDict()), {
      metadata: { format: 'milestones' },
    }),
  };
}

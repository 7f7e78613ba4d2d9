/**
 * Weights on disk. A model is a folder of two files: `config.json` (architecture, class names, preprocessing) and
 * `model.safetensors` (the weights, by parameter path).
 */
import { encodeOwnModel, openOwnModel, type OwnModelFolder } from '@milestones/core';
import { preprocessingSchema } from '@milestones/datasets';
import * as v from 'valibot';
import type { CifarNet } from './cifar-net.ts';
import { cifarNetConfigSchema } from './config.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** The companion network trained on CIFAR-10 by the preset `laptop`, seed 1. */
  'cifar10-companion': new URL('../weights/cifar10-companion/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const savedSchema = v.strictObject({
  milestone: v.literal('alexnet'),
  model: cifarNetConfigSchema,
  classNames: v.array(v.string()),
  preprocessing: preprocessingSchema,
});

/**
 * Opens a model's folder.
 *
 * @param source a name of {@link pretrained}, or a folder: a path in Node, a URL anywhere
 */
export function openPretrained(source: string | URL): Promise<OwnModelFolder<v.InferOutput<typeof savedSchema>>> {
  return openOwnModel(source, {
    where: 'CifarNet.fromPretrained',
    what: 'an alexnet model',
    schema: savedSchema,
    pretrained,
    train: () => 'train them (alexnet reproduce --preset laptop) and give the folder model/ of that run',
  });
}

/** The files of a model's folder, by name; the model must know its class names and preprocessing. */
export async function encodePretrained(model: CifarNet): Promise<Record<string, string | Uint8Array>> {
  const { classNames, preprocessing } = model;
  if (classNames === undefined || preprocessing === undefined) {
    throw new Error(
      'encodePretrained: this model has no class names or no preprocessing; set model.classNames and ' +
        'model.preprocessing, so that it can be used on images again.',
    );
  }
  return encodeOwnModel(model, { milestone: 'alexnet', model: model.config, classNames, preprocessing });
}

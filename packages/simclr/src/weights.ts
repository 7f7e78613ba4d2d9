/**
 * A trained network on disk: a folder of two files, `config.json` (architecture, size of the images) and
 * `model.safetensors` (the weights of encoder and head, by parameter path).
 */
import {
  encodeOwnModel,
  openOwnModel,
  positiveInteger,
  type EncodeOptions,
  type OwnModelFolder,
} from '@milestones/core';
import * as v from 'valibot';
import { modelSchema } from './config.ts';
import type { SimCLR } from './model.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** Five convolutions, trained on CIFAR-10 without labels by the preset `laptop`, seed 1. */
  'cifar10-small': new URL('../weights/cifar10-small/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const savedSchema = v.strictObject({
  milestone: v.literal('simclr'),
  model: modelSchema,
  imageSize: positiveInteger,
});

/**
 * Opens a network's folder.
 *
 * @param source a name of {@link pretrained}, or what `savePretrained` wrote: a path in Node, a URL anywhere
 */
export function openPretrained(source: string | URL): Promise<OwnModelFolder<v.InferOutput<typeof savedSchema>>> {
  return openOwnModel(source, {
    where: 'SimCLR.fromPretrained',
    what: 'a simclr network',
    schema: savedSchema,
    pretrained,
    train: () => 'train them (simclr reproduce --preset laptop) and give the folder model/ of that run',
  });
}

/** The files of a network's folder, by name; the network must know the size of its images. */
export function encodePretrained(
  model: SimCLR,
  options: Pick<EncodeOptions, 'dtype'> = {},
): Promise<Record<string, string | Uint8Array>> {
  const { imageSize } = model;
  if (imageSize === undefined) {
    throw new Error(
      'encodePretrained: this network has no image size; set model.imageSize, so that it can be used again.',
    );
  }
  return encodeOwnModel(model, { milestone: 'simclr', model: model.config, imageSize }, options);
}

/**
 * Weights on disk. A model is a folder of two files: `config.json` (architecture, class names, preprocessing) and
 * `model.safetensors` (the weights, by parameter path). A single `.safetensors` file with torchvision's names is read too.
 */
import type { tf } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  encodeOwnModel,
  loadBytes,
  openOwnModel,
  type OwnModelFolder,
} from '@milestones/core';
import { preprocessingSchema, type Preprocessing } from '@milestones/datasets';
import * as v from 'valibot';
import { resnetConfigSchema, type ResNetConfig } from './config.ts';
import type { ResNet } from './model.ts';
import { importTorchvision, isTorchvision } from './torchvision.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** `cifar-20` trained on CIFAR-10 by the preset `laptop`, seed 1. */
  'cifar10-resnet20': new URL('../weights/cifar10-resnet20/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const savedSchema = v.strictObject({
  milestone: v.literal('resnet'),
  model: resnetConfigSchema,
  classNames: v.array(v.string()),
  preprocessing: preprocessingSchema,
});
const where = 'ResNet.fromPretrained';

/** What torchvision's classifiers were trained with. */
const imageNetPreprocessing: Preprocessing = {
  size: 224,
  resize: 256,
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/** A model as it was saved. */
export interface SavedResNet extends Pick<OwnModelFolder<unknown>, 'weights'> {
  config: ResNetConfig;
  classNames: readonly string[] | undefined;
  preprocessing: Preprocessing;
}

/**
 * Opens a model's folder, or reads a file of torchvision's.
 *
 * @param source a name of {@link pretrained}, a folder, or a `.safetensors` file: a path in Node, a URL anywhere
 */
export async function openPretrained(source: string | URL): Promise<SavedResNet> {
  if (String(source).endsWith('.safetensors')) return loadTorchvision(source);
  const { config, weights } = await openOwnModel(source, {
    where,
    what: 'a resnet model',
    schema: savedSchema,
    pretrained,
    train: () => 'train them (resnet reproduce --preset laptop) and give the folder model/ of that run',
  });
  return { config: config.model, classNames: config.classNames, preprocessing: config.preprocessing, weights };
}

async function loadTorchvision(source: string | URL): Promise<SavedResNet> {
  let bytes: Uint8Array;
  try {
    bytes = await loadBytes(source);
  } catch (error) {
    throw new Error(
      `${where}: '${String(source)}' cannot be read; give a .safetensors file. (${(error as Error).message})`,
      { cause: error },
    );
  }
  const { tensors: found } = decodeSafetensors(bytes);
  if (!isTorchvision(found)) {
    throw new Error(
      `${where}: '${String(source)}' does not hold a ResNet under torchvision’s names; give such a file, or the ` +
        'folder that savePretrained wrote (it has a config.json beside the weights).',
    );
  }
  const { config, tensors } = importTorchvision(found);
  const weights = (): Promise<Record<string, tf.Tensor>> => Promise.resolve(dataToTensors(tensors));
  return { config, classNames: undefined, preprocessing: imageNetPreprocessing, weights };
}

/** The files of a model's folder, by name; the model must know its class names and preprocessing. */
export async function encodePretrained(model: ResNet): Promise<Record<string, string | Uint8Array>> {
  const { classNames, preprocessing } = model;
  if (classNames === undefined || preprocessing === undefined) {
    throw new Error(
      'encodePretrained: this model has no class names or no preprocessing; set model.classNames and ' +
        'model.preprocessing, so that it can be used on images again.',
    );
  }
  return encodeOwnModel(model, { milestone: 'resnet', model: model.config, classNames, preprocessing });
}

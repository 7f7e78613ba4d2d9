/**
 * Weights on disk. A model is a folder of two files: `config.json` (architecture, class names, preprocessing) and
 * `model.safetensors` (the weights, by parameter path). A single `.safetensors` file with torchvision's names is read too.
 */
import type { tf } from '@milestones/backend';
import {
  dataToTensors,
  decodeSafetensors,
  encodeSafetensors,
  loadBytes,
  tensorsToData,
  widenToFloat32,
  type TensorData,
  describeIssues,
} from '@milestones/core';
import * as v from 'valibot';
import { resnetConfigSchema, type ResNetConfig } from './config.ts';
import type { ResNet } from './model.ts';
import { preprocessingSchema, type Preprocessing } from './predict.ts';
import { importTorchvision, isTorchvision } from './torchvision.ts';

/** Weights that come with this package. */
export const pretrained = {
  /** `cifar-20` trained on CIFAR-10 by the preset `laptop`, seed 1. */
  'cifar10-resnet20': new URL('../weights/cifar10-resnet20/', import.meta.url),
} as const;

/** Name of weights that come with this package. */
export type PretrainedName = keyof typeof pretrained;

const files = { config: 'config.json', weights: 'model.safetensors' } as const;
const savedConfigSchema = v.strictObject({
  milestone: v.literal('resnet'),
  model: resnetConfigSchema,
  classNames: v.array(v.string()),
  preprocessing: preprocessingSchema,
});

/** What torchvision's classifiers were trained with. */
const imageNetPreprocessing: Preprocessing = {
  size: 224,
  resize: 256,
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/** A model as it was saved. The tensors are the caller's to dispose. */
export interface SavedResNet {
  config: ResNetConfig;
  classNames: readonly string[] | undefined;
  preprocessing: Preprocessing;
  state: Record<string, tf.Tensor>;
}

/**
 * Reads a model's folder, or a file of torchvision's.
 *
 * @param source a name of {@link pretrained}, a folder, or a `.safetensors` file: a path in Node, a URL anywhere
 */
export async function loadPretrained(source: string | URL): Promise<SavedResNet> {
  const place =
    typeof source === 'string' && Object.hasOwn(pretrained, source) ? pretrained[source as PretrainedName] : source;
  if (String(place).endsWith('.safetensors')) {
    const { config, tensors } = importTorchvision(await loadTensors(place, String(source), isTorchvision));
    return { config, classNames: undefined, preprocessing: imageNetPreprocessing, state: dataToTensors(tensors) };
  }
  const text = new TextDecoder().decode(await load(inside(place, files.config), String(source), files.config));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `ResNet.fromPretrained: ${files.config} of '${String(source)}' is not JSON (${(error as Error).message}); save the model anew.`,
      { cause: error },
    );
  }
  const saved = v.safeParse(savedConfigSchema, parsed);
  if (!saved.success) {
    throw new Error(
      `ResNet.fromPretrained: ${files.config} of '${String(source)}' is not the configuration of a resnet model ` +
        `(${describeIssues(saved.issues)}); give a folder that savePretrained wrote.`,
    );
  }
  const { model: config, classNames, preprocessing } = saved.output;
  const tensors = await loadTensors(inside(place, files.weights), String(source));
  return { config, classNames, preprocessing, state: dataToTensors(tensors) };
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
  const config = { milestone: 'resnet', model: model.config, classNames, preprocessing };
  return {
    [files.config]: `${JSON.stringify(config, null, 2)}\n`,
    [files.weights]: encodeSafetensors(await tensorsToData(model.stateDict()), { metadata: { format: 'milestones' } }),
  };
}

async function loadTensors(
  place: string | URL,
  source: string,
  expected?: (tensors: Record<string, TensorData>) => boolean,
): Promise<Record<string, TensorData>> {
  const { tensors } = decodeSafetensors(await load(place, source, files.weights));
  if (expected !== undefined && !expected(tensors)) {
    throw new Error(
      `ResNet.fromPretrained: '${source}' does not hold a ResNet under torchvision’s names; give such a file, or the ` +
        'folder that savePretrained wrote (it has a config.json beside the weights).',
    );
  }
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype === 'float16' || tensor.dtype === 'bfloat16') {
      tensors[name] = { dtype: 'float32', shape: tensor.shape, data: widenToFloat32(tensor) };
    }
  }
  return tensors;
}

async function load(place: string | URL, source: string, file: string): Promise<Uint8Array> {
  try {
    return await loadBytes(place);
  } catch (error) {
    throw new Error(
      `ResNet.fromPretrained: '${source}' has no readable ${file}; give a folder with ${Object.values(files).join(', ')}, ` +
        `a .safetensors file of torchvision’s, or one of the names: ${Object.keys(pretrained).join(', ')}. ` +
        `(${(error as Error).message})`,
      { cause: error },
    );
  }
}

function inside(folder: string | URL, file: string): string | URL {
  if (typeof folder === 'string') return `${folder.replace(/[/\\]$/, '')}/${file}`;
  return new URL(file, folder.href.endsWith('/') ? folder : `${folder.href}/`);
}

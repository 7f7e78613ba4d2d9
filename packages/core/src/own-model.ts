/**
 * Models in the layout of this project's packages: a folder with `config.json` (which package, which architecture),
 * `model.safetensors` (the weights, by parameter path), and what else the package needs, such as vocabularies.
 */
import { tf } from '@milestones/backend';
import * as v from 'valibot';
import { loadBytes } from '#load-bytes';
import { describeIssues } from './configuration.ts';
import { insideFolder, modelFiles } from './model-folder.ts';
import type { Module } from './module.ts';
import {
  dataToTensors,
  decodeSafetensors,
  encodeSafetensors,
  tensorsToData,
  type EncodeOptions,
} from './safetensors.ts';

/** How a package keeps its models. */
export interface OwnModelKind<Schema extends v.GenericSchema> {
  /** Begins the messages of errors: `ResNet.fromPretrained`. */
  where: string;
  /** What a folder holds, in words: `a resnet model`. */
  what: string;
  /** What `config.json` must be. */
  schema: Schema;
  /** Weights that come with the package. Default: none. */
  pretrained?: Readonly<Record<string, URL>>;
  /** Files of a folder besides the configuration and the weights. */
  moreFiles?: readonly string[];
  /** How a reader makes weights that should have come with the package and did not. */
  train?: (name: string) => string;
}

/** The folder of a model, its configuration read and checked. */
export interface OwnModelFolder<Config> {
  config: Config;
  /** Another file of the folder, which is JSON. */
  json: (file: string) => Promise<unknown>;
  /** The weights, half precision widened to float32. They are the caller's to dispose. */
  weights: () => Promise<Record<string, tf.Tensor>>;
}

/**
 * Opens the folder of a model.
 *
 * @param source a name of `kind.pretrained`, or a folder: a path in Node, a URL anywhere
 * @throws when a file is missing or damaged, or the folder is not of this kind; the message names the file and the remedy
 */
export async function openOwnModel<Schema extends v.GenericSchema>(
  source: string | URL,
  kind: OwnModelKind<Schema>,
): Promise<OwnModelFolder<v.InferOutput<Schema>>> {
  const { where, pretrained = {} } = kind;
  const name = String(source);
  const named = typeof source === 'string' && Object.hasOwn(pretrained, source);
  const folder = named ? pretrained[source]! : source;
  const load = async (file: string): Promise<Uint8Array> => {
    try {
      return await loadBytes(insideFolder(folder, file));
    } catch (error) {
      const files = [modelFiles.config, modelFiles.weights, ...(kind.moreFiles ?? [])].join(', ');
      const names = Object.keys(pretrained);
      const remedy = named
        ? `these weights did not come with this copy of the package: ${kind.train?.(name) ?? 'install it anew'}`
        : `give a folder with ${files}${names.length === 0 ? '' : `, or one of the names: ${names.join(', ')}`}`;
      throw new Error(`${where}: '${name}' has no readable ${file}; ${remedy}. (${(error as Error).message})`, {
        cause: error,
      });
    }
  };
  const json = async (file: string): Promise<unknown> => {
    const text = new TextDecoder().decode(await load(file));
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(
        `${where}: ${file} of '${name}' is not JSON (${(error as Error).message}); save the model anew.`,
        {
          cause: error,
        },
      );
    }
  };
  const saved = v.safeParse(kind.schema, await json(modelFiles.config));
  if (!saved.success) {
    throw new Error(
      `${where}: ${modelFiles.config} of '${name}' is not the configuration of ${kind.what} ` +
        `(${describeIssues(saved.issues)}); give a folder that savePretrained wrote.`,
    );
  }
  // dataToTensors widens half precision.
  const weights = async (): Promise<Record<string, tf.Tensor>> =>
    dataToTensors(decodeSafetensors(await load(modelFiles.weights)).tensors);
  return { config: saved.output, json, weights };
}

/** Gives a model the weights of its folder. @throws when they are not those of this model; see `Module.loadStateDict` */
export async function loadOwnWeights(
  model: Pick<Module, 'loadStateDict'>,
  folder: Pick<OwnModelFolder<unknown>, 'weights'>,
): Promise<void> {
  const state = await folder.weights();
  try {
    model.loadStateDict(state);
  } finally {
    tf.dispose(state);
  }
}

/**
 * The two files that every model's folder has, by name.
 *
 * @param config what {@link OwnModelKind.schema} accepts
 */
export async function encodeOwnModel(
  model: Pick<Module, 'stateDict'>,
  config: Readonly<Record<string, unknown>>,
  options: Pick<EncodeOptions, 'dtype'> = {},
): Promise<Record<string, string | Uint8Array>> {
  return {
    [modelFiles.config]: `${JSON.stringify(config, null, 2)}\n`,
    [modelFiles.weights]: encodeSafetensors(await tensorsToData(model.stateDict()), {
      metadata: { format: 'milestones' },
      ...options,
    }),
  };
}

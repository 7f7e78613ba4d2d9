/**
 * A model's folder as the Hugging Face hub lays it out: `config.json` and `model.safetensors`, or, for large models, several
 * files of weights with `model.safetensors.index.json`, which says what is in which. A path in Node, a URL anywhere.
 */
import { loadBytes, loadTensors } from '#load-bytes';
import type { TensorData } from './safetensors/format.ts';

/** The usual names of a model's files. */
export const modelFiles = {
  config: 'config.json',
  weights: 'model.safetensors',
  index: 'model.safetensors.index.json',
} as const;

/** The place of `file` in a folder. */
export function insideFolder(folder: string | URL, file: string): string | URL {
  if (typeof folder === 'string') return `${folder.replace(/[/\\]$/, '')}/${file}`;
  return new URL(file, folder.href.endsWith('/') ? folder : `${folder.href}/`);
}

/**
 * A JSON object from a model's folder.
 *
 * @param where names the caller in messages
 * @throws when the file cannot be read, or is no JSON object
 */
export async function loadModelConfig(
  where: string,
  folder: string | URL,
  file: string = modelFiles.config,
): Promise<Record<string, unknown>> {
  let bytes;
  try {
    bytes = await loadBytes(insideFolder(folder, file));
  } catch (error) {
    throw new Error(
      `${where}: '${String(folder)}' has no readable ${file} (${(error as Error).message}); give the folder of a model.`,
      { cause: error },
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Error(
      `${where}: ${file} of '${String(folder)}' is not JSON (${(error as Error).message}); get the file anew.`,
      { cause: error },
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Error(`${where}: ${file} of '${String(folder)}' is no JSON object; get the file anew.`);
  }
  return parsed as Record<string, unknown>;
}

/**
 * All tensors of a model's folder, from `model.safetensors` or from the files that the index names.
 *
 * @param where names the caller in messages
 * @throws when there are no weights, a file is missing, truncated or damaged, or the index and the files disagree; the message
 * names the file
 */
export async function loadModelWeights(where: string, folder: string | URL): Promise<Record<string, TensorData>> {
  let single: Error;
  try {
    return await loadTensors(insideFolder(folder, modelFiles.weights));
  } catch (error) {
    if (!isAbsent(error)) throw failure(where, modelFiles.weights, folder, error);
    single = error as Error;
  }
  let index;
  try {
    index = await loadModelConfig(where, folder, modelFiles.index);
  } catch (error) {
    if (!isAbsent((error as Error).cause)) throw error;
    throw new Error(
      `${where}: '${String(folder)}' has neither ${modelFiles.weights} nor ${modelFiles.index} (${single.message}); give a folder ` +
        'with weights in the safetensors format. Weights in other formats, such as pytorch_model.bin, are not read: convert them.',
      { cause: error },
    );
  }
  const map = index['weight_map'];
  if (typeof map !== 'object' || map === null) {
    throw new Error(`${where}: ${modelFiles.index} has no weight_map; get the file anew.`);
  }
  const tensors: Record<string, TensorData> = {};
  const named = Object.entries(map as Record<string, unknown>);
  for (const file of new Set(named.map(([, name]) => name))) {
    if (typeof file !== 'string' || !/^[\w.-]+\.safetensors$/.test(file)) {
      throw new Error(
        `${where}: ${modelFiles.index} names the file ${JSON.stringify(file)}; a file of weights lies in the same folder and ends in .safetensors.`,
      );
    }
    let shard: Record<string, TensorData>;
    try {
      shard = await loadTensors(insideFolder(folder, file));
    } catch (error) {
      throw failure(where, file, folder, error);
    }
    for (const [name, owner] of named) {
      if (owner !== file) continue;
      const tensor = shard[name];
      if (tensor === undefined) {
        throw new Error(
          `${where}: ${modelFiles.index} says that ${name} is in ${file}, which does not have it; get both anew.`,
        );
      }
      tensors[name] = tensor;
    }
  }
  return tensors;
}

function failure(where: string, file: string, folder: string | URL, error: unknown): Error {
  const what = isAbsent(error) ? 'is missing' : 'cannot be used';
  return new Error(
    `${where}: ${file} of '${String(folder)}' ${what} (${(error as Error).message}); get the file anew.`,
    {
      cause: error,
    },
  );
}

/** Whether an error of `#load-bytes` says that there is no such file. */
function isAbsent(error: unknown): boolean {
  return /there is no file|answered 404/.test((error as Error | undefined)?.message ?? '');
}

import { stat } from 'node:fs/promises';
import { isHubName, type LocateModelOptions } from '../models/hub.ts';
import { downloadModel } from '../node/hub-model.ts';

/**
 * The folder of a model: a URL or path as it is, and for a name like `owner/model` the folder in the cache that its files
 * were downloaded to. A folder of that name goes before the hub.
 */
export async function locateModel(source: string | URL, options: LocateModelOptions = {}): Promise<string | URL> {
  if (source instanceof URL || !isHubName(source)) return source;
  if ((await stat(source).catch(() => undefined))?.isDirectory() === true) return source;
  return downloadModel(source, options);
}

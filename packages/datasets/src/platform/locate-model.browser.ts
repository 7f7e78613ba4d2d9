import { hubEndpoint, isHubName, type LocateModelOptions } from '../models/hub.ts';

/** The folder of a model: a URL or path as it is, and the address of its files on the hub for a name like `owner/model`. */
export async function locateModel(source: string | URL, options: LocateModelOptions = {}): Promise<string | URL> {
  if (source instanceof URL || !isHubName(source)) return source;
  const { endpoint = hubEndpoint, revision = 'main' } = options;
  return new URL(`${endpoint}/${source}/resolve/${encodeURIComponent(revision)}/`);
}

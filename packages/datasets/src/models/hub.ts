/** Models on the Hugging Face hub, by name: what both Node and browsers need to know about them. */

/** How {@link locateModel} gets at a model of the hub; all optional. */
export interface LocateModelOptions {
  /** Branch, tag or commit. Default `main`. */
  revision?: string | undefined;
  /** The hub's address. Default: the environment variable `HF_ENDPOINT`, else https://huggingface.co. */
  endpoint?: string | undefined;
  /** An access token, for private and gated models (Node only). Default: the environment variable `HF_TOKEN`. */
  token?: string | undefined;
  /** The cache folder (Node only). Default: that of the data sets. */
  data?: string | undefined;
  /** Never uses the network (Node only). Default: whether `MILESTONES_OFFLINE` is set. */
  offline?: boolean | undefined;
  /** Called while a file arrives (Node only). */
  onProgress?: ((progress: { path: string; bytes: number; total: number }) => void) | undefined;
}

/** The hub's own address. */
export const hubEndpoint = 'https://huggingface.co';

/** Whether `name` can be a model of the hub: `owner/model`, and no path. */
export function isHubName(name: string): boolean {
  return /^[\w-][\w.-]*\/[\w.-]*\w$/.test(name) && !name.includes('..');
}

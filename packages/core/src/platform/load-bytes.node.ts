import { readFile } from 'node:fs/promises';

/** The bytes of a file (a path or a file: URL) or behind an http(s): URL. */
export async function loadBytes(location: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const url = location instanceof URL ? location : /^https?:/.test(location) ? new URL(location) : undefined;
  if (url !== undefined && url.protocol !== 'file:') {
    const response = await fetch(url);
    if (!response.ok) {
      throw new Error(
        `loadBytes: ${url} answered ${response.status} ${response.statusText}; check that the file is served there.`,
      );
    }
    return new Uint8Array(await response.arrayBuffer());
  }
  try {
    return new Uint8Array(await readFile(location));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`loadBytes: there is no file ${String(location)}; check the path.`, { cause: error });
  }
}

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadSafetensors } from '../node/safetensors-files.ts';
import { decodeSafetensors } from '../safetensors/decode.ts';
import type { TensorData } from '../safetensors/format.ts';

/** The bytes of a file (a path or a file: URL) or behind an http(s): URL. */
export async function loadBytes(location: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const url = remoteUrl(location);
  if (url !== undefined) {
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

/** The tensors of a safetensors file (a path or a file: URL), which may be larger than one array, or behind an http(s): URL. */
export async function loadTensors(location: string | URL): Promise<Record<string, TensorData>> {
  if (remoteUrl(location) !== undefined) return decodeSafetensors(await loadBytes(location)).tensors;
  try {
    return (await loadSafetensors(location instanceof URL ? fileURLToPath(location) : location)).tensors;
  } catch (error) {
    if ((error as { cause?: NodeJS.ErrnoException }).cause?.code !== 'ENOENT') throw error;
    throw new Error(`loadTensors: there is no file ${String(location)}; check the path.`, { cause: error });
  }
}

function remoteUrl(location: string | URL): URL | undefined {
  const url = location instanceof URL ? location : /^https?:/.test(location) ? new URL(location) : undefined;
  return url?.protocol === 'file:' ? undefined : url;
}

import { decodeSafetensors } from '../safetensors/decode.ts';
import type { TensorData } from '../safetensors/format.ts';

/** The bytes behind a URL; a path is relative to the page. The Node twin of this file also reads files. */
export async function loadBytes(location: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(location);
  if (!response.ok) {
    throw new Error(
      `loadBytes: ${String(location)} answered ${response.status} ${response.statusText}; check that the file is served there.`,
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** The tensors of a safetensors file behind a URL. */
export async function loadTensors(location: string | URL): Promise<Record<string, TensorData>> {
  return decodeSafetensors(await loadBytes(location)).tensors;
}

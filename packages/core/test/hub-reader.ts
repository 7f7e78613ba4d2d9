/**
 * A safetensors file as the Hugging Face hub's own client reads it, which shares no code with ours: names, types, shapes and
 * places are the client's, and the numbers are taken from those places.
 */
import { readFile } from 'node:fs/promises';
import { parseSafetensorsMetadata } from '@huggingface/hub';

/** A tensor of float32 numbers. */
export interface ReadTensor {
  shape: number[];
  values: Float32Array;
}

/** All tensors of a file, and its metadata. */
export async function readWithHubClient(
  path: string,
): Promise<{ tensors: Record<string, ReadTensor>; metadata: Record<string, string> }> {
  const bytes = await readFile(path);
  // The client asks a hub for pieces of the file; this is the hub.
  const serve: typeof fetch = async (_url, init) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '')!;
    const piece = Uint8Array.from(bytes.subarray(Number(first), Number(last) + 1));
    const headers = { 'content-range': `bytes ${first}-${last}/${bytes.length}`, etag: '"1"' };
    return new Response(piece, { status: 206, headers });
  };
  const parsed = await parseSafetensorsMetadata({ repo: 'own/model', path: 'model.safetensors', fetch: serve });
  if (parsed.sharded) throw new Error('readWithHubClient: one file was given.');
  const { __metadata__: metadata = {}, ...entries } = parsed.header;
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  const tensors: Record<string, ReadTensor> = {};
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [begin, end],
    },
  ] of Object.entries(entries)) {
    if (dtype !== 'F32') throw new Error(`readWithHubClient: ${name} is ${dtype}; F32 is read here.`);
    const values = Float32Array.from({ length: (end - begin) / 4 }, (_, index) =>
      bytes.readFloatLE(data + begin + 4 * index),
    );
    tensors[name] = { shape, values };
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

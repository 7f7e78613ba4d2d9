import { promises as fs, type Stats } from 'node:fs';
import { type DecodedSafetensors, tensorFromBytes } from '../safetensors/decode.ts';
import { encodeSafetensorsParts, type EncodeOptions } from '../safetensors/encode.ts';
import { lengthBytes, SafetensorsError, type TensorData } from '../safetensors/format.ts';
import { parseHeader, readHeaderLength, type TensorRange } from '../safetensors/header.ts';
import { loadingError, saveFile } from './files.ts';

// One read call takes less than 2 GiB.
const pieceBytes = 512 * 1024 * 1024;

/**
 * Saves tensors as a safetensors file, whole or not at all (see {@link saveFile}). Tensors of an engine become
 * `TensorData` with `tensorsToData`.
 */
export async function saveSafetensors(
  file: string,
  tensors: Record<string, TensorData>,
  options: EncodeOptions = {},
): Promise<void> {
  await saveFile(file, encodeSafetensorsParts(tensors, options));
}

/**
 * Loads a safetensors file, of any size that memory holds: each tensor is read into an array of its own, after the whole
 * header has been checked against the file's size.
 *
 * @param onBytes sees all bytes of the file in order, for a checksum
 * @throws {SafetensorsError} when the file breaks the format; an `Error` when it is missing or unreadable
 */
export async function loadSafetensors(
  file: string,
  onBytes: (bytes: Uint8Array) => void = () => undefined,
): Promise<DecodedSafetensors> {
  const handle = await fs.open(file, 'r').catch((cause: unknown) => {
    throw loadingError('loadSafetensors', file, cause);
  });
  try {
    return await readAll(handle, await handle.stat(), onBytes);
  } catch (cause) {
    if (cause instanceof SafetensorsError) throw new SafetensorsError(`${file}: ${cause.message}`, { cause });
    throw loadingError('loadSafetensors', file, cause);
  } finally {
    await handle.close();
  }
}

async function readAll(
  handle: fs.FileHandle,
  { size }: Stats,
  onBytes: (bytes: Uint8Array) => void,
): Promise<DecodedSafetensors> {
  let position = 0;
  const read = async (count: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count;) {
      const { bytesRead } = await handle.read(bytes, filled, Math.min(pieceBytes, count - filled), position);
      if (bytesRead === 0) {
        throw new SafetensorsError(
          `safetensors: the file ended at byte ${position} while it was read, and had ${size} before; ` +
            'something else writes to it, load it again when that is done.',
        );
      }
      filled += bytesRead;
      position += bytesRead;
    }
    onBytes(bytes);
    return bytes;
  };

  const headerLength = readHeaderLength(await read(Math.min(lengthBytes, size)), size);
  const { ranges, metadata } = parseHeader(await read(headerLength), size - lengthBytes - headerLength);
  const loaded = new Map<string, TensorData>();
  // The header's check left no gaps, so reading in order of position passes every byte once.
  for (const range of ranges.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    loaded.set(range.name, tensorFromBytes(range, await read(range.end - range.begin)));
  }
  return { tensors: inHeaderOrder(ranges, loaded), metadata };
}

function inHeaderOrder(ranges: readonly TensorRange[], loaded: Map<string, TensorData>): Record<string, TensorData> {
  const tensors: Record<string, TensorData> = Object.create(null);
  for (const { name } of ranges) {
    const tensor = loaded.get(name);
    if (tensor !== undefined) tensors[name] = tensor;
  }
  return tensors;
}

import { type HalfPrecision, roundFloat32 } from './float16.ts';
import {
  bytesInWords,
  checkTensorData,
  formats,
  lengthBytes,
  maximumHeaderBytes,
  metadataKey,
  quoted,
  refusedName,
  SafetensorsError,
  type TensorData,
} from './format.ts';

/** How tensors are written. */
export interface EncodeOptions {
  /** Texts about the file, such as the model's name; kept under `__metadata__`. */
  metadata?: Record<string, string>;
  /** Rounds float32 tensors to half precision, for a file of half the size. Default: every tensor keeps its type. */
  dtype?: HalfPrecision;
}

/**
 * Writes tensors as the bytes of a safetensors file. Equal tensors give equal bytes, in whatever order they come:
 * larger element types first (so that each tensor is aligned), then by name; the data begin at a multiple of 8 bytes.
 *
 * @throws {SafetensorsError} when type, shape and values of a tensor do not belong together, a name cannot be written,
 * or a value is too large for `dtype`
 */
export function encodeSafetensors(tensors: Record<string, TensorData>, options: EncodeOptions = {}): Uint8Array {
  const parts = encodeSafetensorsParts(tensors, options);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/**
 * Like {@link encodeSafetensors}, in pieces: the header, then each tensor's bytes. The pieces are views of the tensors'
 * own memory, so that a large model is written to disk without a second copy of it.
 */
export function encodeSafetensorsParts(tensors: Record<string, TensorData>, options: EncodeOptions = {}): Uint8Array[] {
  const entries = Object.entries(tensors).map(([name, tensor]): [string, TensorData] => {
    const refused = name === metadataKey ? 'is reserved for texts; pass them as options.metadata' : refusedName(name);
    if (refused !== undefined) {
      throw new SafetensorsError(`encodeSafetensors: a tensor's name ${quoted(name)} ${refused}; rename the tensor.`);
    }
    checkTensorData('encodeSafetensors', name, tensor);
    if (tensor.dtype !== 'float32' || options.dtype === undefined) return [name, tensor];
    const { dtype } = options;
    return [name, { dtype, shape: tensor.shape, data: roundFloat32(name, tensor.data, dtype) }];
  });
  entries.sort(([nameA, a], [nameB, b]) => formats[b.dtype].bytes - formats[a.dtype].bytes || compare(nameA, nameB));

  // Put together by hand: an object would move names that look like numbers to the front.
  const fields = options.metadata === undefined ? [] : [`"${metadataKey}":${metadataJson(options.metadata)}`];
  const data: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of entries) {
    const view = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    const end = offset + view.byteLength;
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${formats[tensor.dtype].code}","shape":[${tensor.shape.join(',')}],"data_offsets":[${offset},${end}]}`,
    );
    data.push(view);
    offset = end;
  }
  return [encodeHeader(`{${fields.join(',')}}`), ...data];
}

/** Header length and header, padded with spaces to a multiple of 8 bytes. */
function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.byteLength / 8) * 8;
  if (length > maximumHeaderBytes) {
    throw new SafetensorsError(
      `encodeSafetensors: names, shapes and metadata take ${bytesInWords(length)} and a header holds at most ` +
        `${bytesInWords(maximumHeaderBytes)}; split the tensors into several files.`,
    );
  }
  const header = new Uint8Array(lengthBytes + length).fill(0x20, lengthBytes + text.byteLength);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, lengthBytes);
  return header;
}

function metadataJson(metadata: Record<string, string>): string {
  const fields = Object.entries(metadata).map(([key, text]): [string, string] => {
    const refused =
      typeof text !== 'string'
        ? `is ${typeof text} and has to be a text`
        : (refusedName(key) ?? refusedName(`=${text}`));
    if (refused !== undefined) {
      throw new SafetensorsError(
        `encodeSafetensors: the metadata entry ${quoted(key)} ${refused}; change it and save again.`,
      );
    }
    return [key, text];
  });
  fields.sort(([a], [b]) => compare(a, b));
  return `{${fields.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`).join(',')}}`;
}

/** By code units, not by locale: the order must be the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

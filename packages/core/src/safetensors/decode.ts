import { formats, lengthBytes, quoted, SafetensorsError, type TensorData } from './format.ts';
import { parseHeader, readHeaderLength, type TensorRange } from './header.ts';

/** What a safetensors file holds. */
export interface DecodedSafetensors {
  /** The tensors by name, in the order of the file's header. The record has no prototype. */
  tensors: Record<string, TensorData>;
  /** The texts of `__metadata__`; empty where the file has none. The record has no prototype. */
  metadata: Record<string, string>;
}

/**
 * Reads the bytes of a safetensors file.
 *
 * Every claim of the file is checked before it is used: lengths against the bytes that are there, each tensor's bytes
 * against its type and shape, and that the tensors fill the data without gap or overlap. The returned arrays are copies.
 *
 * @throws {SafetensorsError} when the bytes break the format; the message says where
 */
export function decodeSafetensors(bytes: Uint8Array): DecodedSafetensors {
  const headerLength = readHeaderLength(bytes, bytes.byteLength);
  const dataStart = lengthBytes + headerLength;
  const { ranges, metadata } = parseHeader(bytes.subarray(lengthBytes, dataStart), bytes.byteLength - dataStart);
  const tensors: Record<string, TensorData> = Object.create(null);
  for (const range of ranges) {
    // Copied through a fresh Uint8Array: slice() of a Node Buffer would not copy, and a tensor may lie unaligned.
    const copy = new Uint8Array(range.end - range.begin);
    copy.set(bytes.subarray(dataStart + range.begin, dataStart + range.end));
    tensors[range.name] = tensorFromBytes(range, copy);
  }
  return { tensors, metadata };
}

/**
 * A tensor over the bytes of its range, without copying; `bytes` starts at offset 0 of its own buffer.
 *
 * @throws {SafetensorsError} when a boolean is neither 0 nor 1
 */
export function tensorFromBytes({ name, dtype, shape }: TensorRange, bytes: Uint8Array<ArrayBuffer>): TensorData {
  if (dtype === 'bool') {
    const index = bytes.findIndex((byte) => byte > 1);
    if (index !== -1) {
      throw new SafetensorsError(
        `safetensors: tensor ${quoted(name)} of BOOL holds the byte ${bytes[index]} at index ${index}; ` +
          'a boolean is 0 or 1, the file is damaged, fetch or write it again.',
      );
    }
  }
  const data = new formats[dtype].array(bytes.buffer);
  // The array was made by the table that defines the type, which the compiler cannot follow.
  return { dtype, shape, data } as TensorData;
}

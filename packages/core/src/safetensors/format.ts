/**
 * What a tensor is in a safetensors file: element types, their bytes, and the checks that reader and writer share.
 *
 * File layout: 8 bytes header length (little-endian) · header (JSON) · data of all tensors, without gaps.
 * Data is little-endian and row-major, as are typed arrays on every platform that Node and browsers run on today.
 */

/** The array that holds each element type. Half-precision numbers have no array in JavaScript: their raw bits are kept. */
export interface TensorArrays {
  float64: Float64Array;
  float32: Float32Array;
  /** Raw bits, IEEE 754 binary16; see `widenToFloat32`. */
  float16: Uint16Array;
  /** Raw bits, the upper half of a float32; see `widenToFloat32`. */
  bfloat16: Uint16Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  /** One byte each, 0 or 1. */
  bool: Uint8Array;
}

/** Element types that can be read and written. */
export type TensorDtype = keyof TensorArrays;

/** A tensor outside of any engine: element type, shape, and values in row-major order. */
export type TensorData = {
  [D in TensorDtype]: { dtype: D; shape: number[]; data: TensorArrays[D] };
}[TensorDtype];

/** How an element type is written in a file, its size in bytes, and its array. */
export const formats = {
  float64: { code: 'F64', bytes: 8, array: Float64Array },
  float32: { code: 'F32', bytes: 4, array: Float32Array },
  float16: { code: 'F16', bytes: 2, array: Uint16Array },
  bfloat16: { code: 'BF16', bytes: 2, array: Uint16Array },
  int64: { code: 'I64', bytes: 8, array: BigInt64Array },
  uint64: { code: 'U64', bytes: 8, array: BigUint64Array },
  int32: { code: 'I32', bytes: 4, array: Int32Array },
  uint32: { code: 'U32', bytes: 4, array: Uint32Array },
  int16: { code: 'I16', bytes: 2, array: Int16Array },
  uint16: { code: 'U16', bytes: 2, array: Uint16Array },
  int8: { code: 'I8', bytes: 1, array: Int8Array },
  uint8: { code: 'U8', bytes: 1, array: Uint8Array },
  bool: { code: 'BOOL', bytes: 1, array: Uint8Array },
} as const satisfies Record<TensorDtype, { code: string; bytes: number; array: unknown }>;

/** The element type of each code in a file. */
export const dtypeOfCode: ReadonlyMap<string, TensorDtype> = new Map(
  (Object.keys(formats) as TensorDtype[]).map((dtype) => [formats[dtype].code, dtype]),
);

/** Longest header that is read or written, in bytes; the limit of the reference implementation. */
export const maximumHeaderBytes = 100_000_000;

/** Bytes before the header: its length as a 64-bit number. */
export const lengthBytes = 8;

/** The key of the header that holds text about the file instead of a tensor. */
export const metadataKey = '__metadata__';

/** A safetensors file that breaks the format, or tensors that cannot be written as one. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
}

/** A name for messages: quoted, control characters escaped, long ones cut. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

/** A number of bytes for messages: `1,048,576 bytes`. */
export function bytesInWords(count: number | bigint): string {
  return `${count.toLocaleString('en-US')} ${Number(count) === 1 ? 'byte' : 'bytes'}`;
}

/** A shape for messages, cut after eight sizes. */
export function shapeInWords(shape: readonly unknown[]): string {
  return shape.length > 8 ? `[${shape.slice(0, 8).join(', ')}, … ${shape.length} sizes]` : `[${shape.join(', ')}]`;
}

/** The reason why a tensor or a metadata entry may not have this name, or undefined. */
export function refusedName(name: string): string | undefined {
  // Assigning record['__proto__'] replaces the prototype instead of adding an entry.
  if (name === '__proto__') return 'is a name that would change the object that holds the entries';
  // Half of a surrogate pair has no UTF-8 form.
  if (/\p{Surrogate}/u.test(name)) return 'holds half of a surrogate pair, which UTF-8 cannot express';
  return undefined;
}

/** Product of a shape, or undefined where a size is no whole number >= 0 or the product is beyond exact integers. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Checks that type, shape and array of a tensor belong together.
 *
 * @throws {SafetensorsError} naming the tensor and what does not fit
 */
export function checkTensorData(where: string, name: string, tensor: TensorData): void {
  const format = Object.hasOwn(formats, tensor.dtype) ? formats[tensor.dtype] : undefined;
  if (format === undefined) {
    throw new SafetensorsError(
      `${where}: tensor ${quoted(name)} has the type ${quoted(String(tensor.dtype))}; use one of ${Object.keys(formats).join(', ')}.`,
    );
  }
  if (!(tensor.data instanceof format.array)) {
    const arrived = (tensor.data as object | undefined)?.constructor.name ?? 'no array';
    throw new SafetensorsError(
      `${where}: tensor ${quoted(name)} of type ${tensor.dtype} came with ${arrived}; pass its values as a ${format.array.name}.`,
    );
  }
  const count = elementCount(tensor.shape);
  if (count !== tensor.data.length) {
    throw new SafetensorsError(
      `${where}: tensor ${quoted(name)} has the shape ${shapeInWords(tensor.shape)}` +
        `${count === undefined ? ', which is no shape' : `, ${count} values,`} and came with ${tensor.data.length} values; ` +
        'pass whole sizes of at least 0 whose product is the number of values.',
    );
  }
}

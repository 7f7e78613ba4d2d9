/**
 * The idx format of MNIST and Fashion-MNIST: two zero bytes, a byte for the element type, a byte for the number of
 * dimensions, each dimension as a big-endian 32-bit number, then the elements, last dimension fastest.
 */
import { FormatError } from './format-error.ts';

/** The content of an idx file of unsigned bytes. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** The elements; a view of the bytes that were read, not a copy. */
  readonly data: Uint8Array;
}

const elementTypes: Readonly<Record<number, string>> = {
  0x08: 'unsigned bytes',
  0x09: 'signed bytes',
  0x0b: '16-bit integers',
  0x0c: '32-bit integers',
  0x0d: '32-bit floats',
  0x0e: '64-bit floats',
};

/**
 * Reads an unpacked idx file of unsigned bytes. Sizes are compared with the bytes present; nothing is allocated.
 *
 * @param where what the bytes are, for error messages
 * @throws {@link FormatError} when the bytes are no such file, or too few or too many for their own sizes
 */
export function readIdx(bytes: Uint8Array, where = 'readIdx'): IdxArray {
  if (bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw new FormatError(`${where}: the bytes are still packed by gzip; unpack them first.`);
  }
  if (bytes.length < 4) {
    throw new FormatError(
      `${where}: ${bytes.length} bytes arrived, fewer than the 4 an idx file begins with; ${again}`,
    );
  }
  const type = bytes[2]!;
  const rank = bytes[3]!;
  const named = elementTypes[type];
  if (bytes[0] !== 0 || bytes[1] !== 0 || named === undefined || rank === 0) {
    const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new FormatError(
      `${where}: the file begins with ${start}; an idx file of bytes begins with 00 00 08 and its number of dimensions. ${again}`,
    );
  }
  if (type !== 0x08) {
    throw new FormatError(`${where}: an idx file of ${named} arrived; only unsigned bytes (type 08) are read here.`);
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw new FormatError(`${where}: the file ends after ${bytes.length} bytes, within its ${rank} sizes; ${again}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  const present = bytes.length - start;
  if (size !== present) {
    throw new FormatError(
      `${where}: sizes ${shape.join('×')} ask for ${size} bytes, but ${present} are there; ` +
        `the file is ${present < size ? 'truncated' : 'longer than it says'}. ${again}`,
    );
  }
  return { shape, data: bytes.subarray(start) };
}

const again = 'Get the file anew.';

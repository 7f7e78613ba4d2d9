/** Small files in the official formats, made for tests. */

/** An idx file of unsigned bytes. */
export function idxFile(shape: readonly number[], data: Uint8Array): Uint8Array {
  const file = new Uint8Array(4 + 4 * shape.length + data.length);
  file.set([0, 0, 8, shape.length]);
  const view = new DataView(file.buffer);
  for (const [axis, length] of shape.entries()) view.setUint32(4 + 4 * axis, length);
  file.set(data, 4 + 4 * shape.length);
  return file;
}

/** What a tar entry can be given; everything but the name has a default. */
export interface TarEntry {
  name: string;
  data?: Uint8Array;
  /** One character; `0` is a regular file. */
  kind?: string;
  link?: string;
  prefix?: string;
  /** The size that the header states, where it is to be wrong. */
  size?: string;
}

/** A tar archive in the ustar layout, with correct checksums. */
export function tarFile(entries: readonly TarEntry[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const { name, data = new Uint8Array(0), kind = '0', link = '', prefix = '', size } of entries) {
    const header = new Uint8Array(512);
    const put = (text: string, start: number): void => header.set(new TextEncoder().encode(text), start);
    put(name, 0);
    put('0000644\0', 100);
    put('0000000\0', 108);
    put('0000000\0', 116);
    put(size ?? `${data.length.toString(8).padStart(11, '0')}\0`, 124);
    put('00000000000\0', 136);
    put(kind, 156);
    put(link, 157);
    put('ustar\x0000', 257);
    put(prefix, 345);
    put('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const content = new Uint8Array(Math.ceil(data.length / 512) * 512);
    content.set(data);
    blocks.push(header, content);
  }
  blocks.push(new Uint8Array(1024));
  return join(blocks);
}

/** Records of the CIFAR binary version; every pixel byte is drawn by `pixel(record, plane, place)`. */
export function cifarFile(
  labels: readonly (readonly number[])[],
  pixel: (record: number, plane: number, place: number) => number,
): Uint8Array {
  return join(
    labels.map((own, record) => {
      const bytes = new Uint8Array(own.length + 3072);
      bytes.set(own);
      for (let index = 0; index < 3072; index++) {
        bytes[own.length + index] = pixel(record, Math.floor(index / 1024), index % 1024);
      }
      return bytes;
    }),
  );
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

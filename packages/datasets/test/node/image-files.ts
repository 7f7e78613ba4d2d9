/** Small image files, made for tests. */
import { crc32, deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';

/** What {@link pngFile} writes. */
export interface PngParts {
  width: number;
  height: number;
  depth?: number;
  colorType?: number;
  interlace?: number;
  /** Lines of the picture, each with its filter byte, unpacked. */
  lines: Uint8Array;
  /** Chunks between header and pixels. */
  chunks?: readonly (readonly [type: string, data: Uint8Array])[];
}

export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

/** A PNG with correct checksums, whatever its content. */
export function pngFile({ width, height, depth = 8, colorType = 2, interlace = 0, lines, chunks = [] }: PngParts) {
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([depth, colorType, 0, 0, interlace], 8);
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      pngChunk('IHDR', header),
      ...chunks.map(([type, data]) => pngChunk(type, data)),
      pngChunk('IDAT', deflateSync(lines)),
      pngChunk('IEND', new Uint8Array(0)),
    ]),
  );
}

/** Lines of `bytesPerLine` bytes each, unfiltered, of the bytes in `data`. */
export function pngLines(data: ArrayLike<number>, bytesPerLine: number): Uint8Array {
  const count = data.length / bytesPerLine;
  const lines = new Uint8Array(count * (bytesPerLine + 1));
  for (let line = 0; line < count; line++) {
    for (let index = 0; index < bytesPerLine; index++) {
      lines[line * (bytesPerLine + 1) + 1 + index] = data[line * bytesPerLine + index]!;
    }
  }
  return lines;
}

/** A baseline JPEG of a smooth picture. */
export function jpegFile(width: number, height: number, quality = 90): Uint8Array {
  const data = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    data.set([(255 * x) / width, (255 * y) / height, 128, 255], 4 * pixel);
  }
  return new Uint8Array(jpeg.encode({ data, width, height }, quality).data);
}

/** Writes PNG files: 8 bits a channel, grey or RGB. */
import { crc32, deflateSync } from 'node:zlib';
import type { PixelImage } from '../images/pixel-image.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * The bytes of a PNG file; the same image gives the same bytes.
 *
 * @throws when the data do not fit the size
 */
export function encodePng({ data, height, width, channels }: PixelImage): Uint8Array {
  const line = width * channels;
  if (!(height >= 1 && width >= 1) || (channels !== 1 && channels !== 3) || data.length !== height * line) {
    throw new Error(
      `encodePng: ${data.length} bytes arrived for an image of ${height}×${width}×${String(channels)}; give ` +
        'height · width · channels bytes, and 1 channel for grey or 3 for colour.',
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8); // depth, colour type, then the only compression, filter, order
  const lines = new Uint8Array(height * (line + 1)); // each line begins with its filter: none
  for (let row = 0; row < height; row++) lines.set(data.subarray(row * line, (row + 1) * line), row * (line + 1) + 1);
  const parts = [
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ];
  const file = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

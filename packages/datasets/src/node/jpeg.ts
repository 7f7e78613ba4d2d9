/** JPEG files, through jpeg-js. Sizes and the number of passes are checked before that library sees a file. */
import jpeg from 'jpeg-js';
import { FormatError } from '../formats/format-error.ts';
import type { DecodedPixels } from './decoded-pixels.ts';

/** No file has more pixels per byte: a block of 64 pixels takes at least one bit per component in the first pass. */
const mostPixelsPerByte = 1024;
/** Progressive files have about ten passes; each costs time for the whole image. */
const mostPasses = 100;

/** Whether `bytes` begin as a JPEG file does. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Decodes a JPEG file, baseline or progressive. Its EXIF orientation is not applied.
 *
 * @param maxPixels width × height that is still decoded
 * @throws `FormatError` when the file is damaged, truncated, too large, or of a kind that is not read
 */
export function decodeJpeg(bytes: Uint8Array, maxPixels: number, where: string): DecodedPixels {
  const components = checkJpeg(bytes, maxPixels, where);
  let decoded: { data: Uint8Array; height: number; width: number };
  try {
    decoded = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: maxPixels / 1e6,
      maxMemoryUsageInMB: 64 + (maxPixels * 32) / 2 ** 20,
    });
  } catch (error) {
    throw new FormatError(
      `${where}: the JPEG cannot be decoded (${String(error)}); it is damaged. Save the image anew.`,
      {
        cause: error,
      },
    );
  }
  const { data, height, width } = decoded;
  if (components !== 1) return { data, height, width, channels: 3 };
  return {
    data: Uint8Array.from({ length: height * width }, (_, pixel) => data[3 * pixel]!),
    height,
    width,
    channels: 1,
  };
}

/** Walks the segments up to the pixels; returns the number of components. */
function checkJpeg(bytes: Uint8Array, maxPixels: number, where: string): number {
  const fail = (what: string): never => {
    throw new FormatError(`${where}: ${what}`);
  };
  if (!isJpeg(bytes)) fail('these bytes do not begin as a JPEG file does; give a JPEG image.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let components = 0;
  let at = 2;
  for (;;) {
    if (at + 4 > bytes.length) fail(`the JPEG ends after ${bytes.length} bytes, before its pixels; it is truncated.`);
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff) fail(`the JPEG has no marker at byte ${at}; it is damaged. Save the image anew.`);
    if (marker === 0xff) {
      // Any number of these may stand before a marker.
      at++;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > bytes.length) {
      fail(`the JPEG's segment at byte ${at} says it has ${length} bytes, but the file ends before; it is truncated.`);
    }
    if (marker === 0xda) break;
    // Start of frame: the kinds C0 to CF but C4 (Huffman tables), C8 (reserved) and CC (arithmetic tables).
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (components !== 0 || length < 8) fail('the JPEG has a damaged header; save the image anew.');
      if (marker > 0xc2) fail('a lossless or arithmetic JPEG arrived; save it as a baseline or progressive one.');
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      components = bytes[at + 9]!;
      if (bytes[at + 4] !== 8) fail(`a JPEG of ${bytes[at + 4]} bits per channel arrived; save it with 8.`);
      if (width === 0 || height === 0) fail(`the JPEG has ${height}×${width} pixels; save the image anew.`);
      if (width * height > maxPixels) {
        fail(
          `the JPEG has ${height}×${width} pixels, more than the ${maxPixels} that are decoded; make it smaller, or raise maxPixels.`,
        );
      }
      if (width * height > mostPixelsPerByte * bytes.length) {
        fail(
          `the JPEG says it has ${height}×${width} pixels, which its ${bytes.length} bytes cannot hold; it is damaged.`,
        );
      }
      if (components !== 1 && components !== 3) {
        fail(`a JPEG of ${components} components (CMYK, for example) arrived; save it in grey or RGB.`);
      }
    }
    at += 2 + length;
  }
  if (components === 0) fail('the JPEG has pixels before its size; it is damaged. Save the image anew.');
  let passes = 0;
  let ended = false;
  for (let index = at; index + 1 < bytes.length; index++) {
    if (bytes[index] !== 0xff) continue;
    if (bytes[index + 1] === 0xda && ++passes > mostPasses) fail(`the JPEG has more than ${mostPasses} passes.`);
    ended ||= bytes[index + 1] === 0xd9;
  }
  if (!ended) fail(`the JPEG ends after ${bytes.length} bytes without its end marker; it is truncated.`);
  return components;
}

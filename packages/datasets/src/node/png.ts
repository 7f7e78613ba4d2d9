/**
 * PNG files, through fast-png. Before that library sees a file, its structure, checksums and size are checked here, and
 * only what makes up the picture is passed on: a few bytes may otherwise claim to unpack to gigabytes.
 */
import { constants, crc32, inflateSync } from 'node:zlib';
import { type DecodedPng, convertIndexedToRgb, decode } from 'fast-png';
import { FormatError } from '../formats/format-error.ts';
import type { DecodedPixels } from './decoded-pixels.ts';

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Channels of each colour type; type 3 is indices into a palette. */
const channelsOf: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const depthsOf: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Whether `bytes` begin as a PNG file does. */
export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

/**
 * Decodes a PNG file.
 *
 * @param maxPixels width × height that is still decoded
 * @throws `FormatError` when the file is damaged, truncated, too large, or of a kind that is not read
 */
export function decodePng(bytes: Uint8Array, maxPixels: number, where: string): DecodedPixels {
  const { header, picture } = checkPng(bytes, maxPixels, where);
  let png: DecodedPng;
  try {
    png = decode(picture);
  } catch (error) {
    throw new FormatError(`${where}: the PNG cannot be decoded (${String(error)}); save the image anew.`, {
      cause: error,
    });
  }
  if (header.colorType === 3) {
    if (png.palette === undefined) throw new FormatError(`${where}: the PNG lacks its palette; save the image anew.`);
    try {
      const channels = png.palette[0]?.length === 4 ? 4 : 3;
      return { data: convertIndexedToRgb(png), height: png.height, width: png.width, channels };
    } catch (error) {
      throw new FormatError(`${where}: the PNG names a colour that is not in its palette; save the image anew.`, {
        cause: error,
      });
    }
  }
  const data = toBytes(png);
  return withTransparentColor({ data, height: png.height, width: png.width, channels: header.channels }, png);
}

interface Header {
  width: number;
  height: number;
  depth: number;
  colorType: number;
  channels: 1 | 2 | 3 | 4;
  interlaced: boolean;
}

function checkPng(bytes: Uint8Array, maxPixels: number, where: string): { header: Header; picture: Uint8Array } {
  const fail = (what: string): never => {
    throw new FormatError(`${where}: ${what}`);
  };
  if (!isPng(bytes)) fail('these bytes do not begin as a PNG file does; give a PNG image.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [bytes.subarray(0, 8)];
  const packed: Uint8Array[] = [];
  let header: Header | undefined;
  let at = 8;
  for (let ended = false; !ended;) {
    if (at + 12 > bytes.length)
      fail(`the PNG ends after ${bytes.length} bytes without its last chunk; it is truncated.`);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 12 + length;
    if (end > bytes.length) {
      fail(`the PNG's chunk at byte ${at} says it has ${length} bytes, but the file ends before; it is truncated.`);
    }
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      fail(`the checksum of the PNG's chunk at byte ${at} is wrong; the file is damaged. Save the image anew.`);
    }
    if ((header === undefined) !== (type === 'IHDR')) fail('the PNG must begin with one header; save the image anew.');
    if (type === 'IHDR') header = readHeader(view, at + 8, length, maxPixels, where);
    if (type === 'IDAT') packed.push(bytes.subarray(at + 8, end - 4));
    if (['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'].includes(type)) kept.push(bytes.subarray(at, end));
    ended = type === 'IEND';
    at = end;
  }
  const { width, height, depth, channels, interlaced } = header!;
  const wanted = unpackedBytes(width, height, depth * channels, interlaced);
  let found: number;
  try {
    // A sync flush takes what there is, so that too little is reported by its size.
    found = inflateSync(Buffer.concat(packed), {
      maxOutputLength: wanted + 1,
      finishFlush: constants.Z_SYNC_FLUSH,
    }).length;
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    return fail(
      tooLong
        ? `the PNG unpacks to more than the ${wanted} bytes that its size asks for; save the image anew.`
        : `the PNG cannot be unpacked (${(error as Error).message}); it is damaged. Save the image anew.`,
    );
  }
  if (found !== wanted) {
    fail(`the PNG unpacks to ${found} bytes instead of the ${wanted} that its size asks for; it is damaged.`);
  }
  return { header: header!, picture: new Uint8Array(Buffer.concat(kept)) };
}

function readHeader(view: DataView, at: number, length: number, maxPixels: number, where: string): Header {
  const fail = (what: string): never => {
    throw new FormatError(`${where}: ${what}`);
  };
  if (length !== 13) fail(`the PNG's header has ${length} bytes instead of 13; save the image anew.`);
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)];
  const [depth, colorType, interlace] = [view.getUint8(at + 8), view.getUint8(at + 9), view.getUint8(at + 12)];
  if (width === 0 || height === 0) fail(`the PNG has ${height}×${width} pixels; save the image anew.`);
  if (width * height > maxPixels) {
    fail(
      `the PNG has ${height}×${width} pixels, more than the ${maxPixels} that are decoded; make it smaller, or raise maxPixels.`,
    );
  }
  if (!depthsOf[colorType]?.includes(depth) || interlace > 1) {
    fail(
      `the PNG has colour type ${colorType}, ${depth} bits and interlacing ${interlace}, which do not exist together.`,
    );
  }
  if (interlace === 1 && depth < 8) {
    fail(`an interlaced PNG of ${depth} bits per pixel arrived; it is not read. Save it without interlacing.`);
  }
  return { width, height, depth, colorType, channels: channelsOf[colorType]!, interlaced: interlace === 1 };
}

/** Bytes of all lines, each after the byte that names its filter; interlaced images have the lines of seven passes. */
function unpackedBytes(width: number, height: number, bits: number, interlaced: boolean): number {
  const lines = (w: number, h: number): number => (w === 0 ? 0 : h * (1 + Math.ceil((w * bits) / 8)));
  if (!interlaced) return lines(width, height);
  const passes = [
    [0, 8, 0, 8],
    [4, 8, 0, 8],
    [0, 4, 4, 8],
    [2, 4, 0, 4],
    [0, 2, 2, 4],
    [1, 2, 0, 2],
    [0, 1, 1, 2],
  ] as const;
  return passes.reduce(
    (sum, [left, across, top, down]) =>
      sum + lines(Math.max(0, Math.ceil((width - left) / across)), Math.max(0, Math.ceil((height - top) / down))),
    0,
  );
}

/** One byte per channel: 16 bits are rounded to 8, and 1, 2 or 4 bits of grey are spread over 0 to 255. */
function toBytes({ data, depth, width, height }: DecodedPng): Uint8Array {
  if (depth === 16) return Uint8Array.from(data, (value) => Math.round(value / 257));
  if (depth === 8) return data instanceof Uint8Array ? data : Uint8Array.from(data);
  const unpacked = new Uint8Array(width * height);
  const line = Math.ceil((width * depth) / 8);
  const most = 2 ** depth - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const value = (data[y * line + (bit >> 3)]! >> (8 - depth - (bit & 7))) & most;
      unpacked[y * width + x] = (value * 255) / most;
    }
  }
  return unpacked;
}

/** Adds an alpha channel where the file names one colour as transparent. */
function withTransparentColor(pixels: DecodedPixels, { transparency, depth }: DecodedPng): DecodedPixels {
  const { data, height, width, channels } = pixels;
  if (transparency === undefined || transparency.length !== channels) return pixels;
  const scale = 255 / (2 ** depth - 1);
  const clear = Array.from(transparency, (value) => Math.round(value * scale));
  const more = channels === 1 ? 2 : 4;
  const output = new Uint8Array(height * width * more);
  for (let pixel = 0; pixel < height * width; pixel++) {
    let same = true;
    for (let channel = 0; channel < channels; channel++) {
      const value = data[pixel * channels + channel]!;
      output[pixel * more + channel] = value;
      same &&= value === clear[channel];
    }
    output[pixel * more + channels] = same ? 0 : 255;
  }
  return { data: output, height, width, channels: more };
}

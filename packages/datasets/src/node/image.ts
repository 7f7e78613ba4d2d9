/** Image files of a user. */
import { readFile, stat } from 'node:fs/promises';
import { FormatError } from '../formats/format-error.ts';
import type { PixelImage } from '../images/pixel-image.ts';
import { type Fit, resizeImage } from '../images/resize.ts';
import type { DecodedPixels } from './decoded-pixels.ts';
import { decodeJpeg, isJpeg } from './jpeg.ts';
import { decodePng, isPng } from './png.ts';

/** How an image file becomes pixels. */
export interface ImageOptions {
  /** 3 (the default) makes grey images grey in three channels; 1 makes 0.299·red + 0.587·green + 0.114·blue of colour. */
  channels?: 1 | 3;
  /** The colour that shows through where an image is transparent. Without it, transparent images are refused. */
  background?: readonly [red: number, green: number, blue: number];
  /** Width × height that is still decoded. Default 2²⁵, 33 million. */
  maxPixels?: number;
}

/** How {@link loadImage} brings an image to a size. */
export interface LoadImageOptions extends ImageOptions {
  /** The size of the result, as a number for squares or [height, width]. Default: the image's own. */
  size?: number | readonly [number, number];
  /** What is done with an image of another size. Default `cover`. */
  fit?: Fit;
}

// No picture of 33 million pixels takes more than this, and a file is read whole.
const mostBytes = 2 ** 28;

/**
 * Decodes the bytes of a PNG or JPEG file; which of them, its first bytes tell.
 *
 * An alpha channel that is opaque everywhere is left out. EXIF orientation and colour profiles are not applied.
 *
 * @param where what the bytes are, for error messages
 * @throws `FormatError` when the bytes are neither, are damaged, truncated or too large, or have transparent pixels
 *   and no `background` is given
 */
export function decodeImage(bytes: Uint8Array, options: ImageOptions = {}, where = 'decodeImage'): PixelImage {
  const { channels = 3, background, maxPixels = 2 ** 25 } = options;
  if (channels !== 1 && channels !== 3) {
    throw new Error(`${where}: ${String(channels)} channels were asked for; choose 1 (grey) or 3 (red, green, blue).`);
  }
  if (isPng(bytes)) return toChannels(decodePng(bytes, maxPixels, where), channels, background, where);
  if (isJpeg(bytes)) return toChannels(decodeJpeg(bytes, maxPixels, where), channels, background, where);
  const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  throw new FormatError(
    `${where}: the file begins with ${start || 'nothing'}, which is neither a PNG nor a JPEG; convert it to one of these.`,
  );
}

/**
 * Loads a PNG or JPEG file, in the size asked for.
 *
 * @throws `FormatError` as {@link decodeImage}
 */
export async function loadImage(path: string, options: LoadImageOptions = {}): Promise<PixelImage> {
  const { size: bytes } = await stat(path).catch((error: unknown) => {
    throw new Error(`loadImage: ${path} cannot be read (${(error as Error).message}); check the path.`, {
      cause: error,
    });
  });
  if (bytes > mostBytes) {
    throw new FormatError(`loadImage: ${path} has ${bytes} bytes; at most ${mostBytes} are read. Make it smaller.`);
  }
  const image = decodeImage(await readFile(path), options, path);
  return options.size === undefined ? image : resizeImage(image, options.size, options.fit, path);
}

function toChannels(
  { data, height, width, channels: found }: DecodedPixels,
  channels: 1 | 3,
  background: readonly number[] | undefined,
  where: string,
): PixelImage {
  const pixels = height * width;
  const colors = found > 2 ? 3 : 1;
  const transparent = found !== colors;
  const output = new Uint8Array(pixels * channels);
  const color = [0, 0, 0];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = pixel * found;
    const alpha = transparent ? data[at + colors]! : 255;
    if (alpha !== 255 && background === undefined) {
      throw new FormatError(
        `${where}: the image has an alpha channel and is transparent at row ${Math.floor(pixel / width)}, column ` +
          `${pixel % width}; give the colour that shows through, for example background: [255, 255, 255].`,
      );
    }
    for (let channel = 0; channel < 3; channel++) {
      const value = data[at + (colors === 3 ? channel : 0)]!;
      color[channel] = alpha === 255 ? value : (value * alpha + background![channel]! * (255 - alpha)) / 255;
    }
    if (channels === 3)
      for (let channel = 0; channel < 3; channel++) output[pixel * 3 + channel] = Math.round(color[channel]!);
    else output[pixel] = Math.round(0.299 * color[0]! + 0.587 * color[1]! + 0.114 * color[2]!);
  }
  return { data: output, height, width, channels };
}

import { createAugmenter } from './augment.ts';
import { prepareSteps } from './augmentation.ts';
import type { PixelImage } from './pixel-image.ts';

/** How an image is brought to another size. */
export type Fit =
  /** Resized until it covers the new size, keeping its form, and what hangs over is cut off at both sides alike. */
  | 'cover'
  /** Resized to the new size whatever its form. */
  | 'stretch'
  /** Refused unless it has that size. */
  | 'exact';

/**
 * `image` in another size: bilinear, and where it shrinks, every pixel is a weighted mean of all that it covers.
 *
 * @param size the new size, as a number for squares or [height, width]
 * @param where begins the messages
 */
export function resizeImage(
  image: PixelImage,
  size: number | readonly [number, number],
  fit: Fit = 'cover',
  where = 'resizeImage',
): PixelImage {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (image.height === height && image.width === width) return image;
  if (fit === 'exact') {
    throw new Error(
      `${where}: an image of ${image.height}×${image.width} (height×width) arrived where ${height}×${width} was wanted; ` +
        "resize it, or choose fit: 'cover' or 'stretch'.",
    );
  }
  const factor = Math.floor(Math.min(image.height / height, image.width / width) / 2);
  const from = factor > 1 ? shrink(image, factor) : image;
  let [coverHeight, coverWidth] = [height, width];
  if (fit === 'cover') {
    const scale = Math.max(height / from.height, width / from.width);
    coverHeight = Math.max(height, Math.round(from.height * scale));
    coverWidth = Math.max(width, Math.round(from.width * scale));
  }
  const steps = prepareSteps(
    [
      { kind: 'resize', size: [coverHeight, coverWidth] },
      { kind: 'centerCrop', size: [height, width] },
    ],
    from,
    where,
  );
  const values = createAugmenter(from, steps).run(from.data, 1, new Float32Array(0));
  return { data: Uint8Array.from(values, (value) => Math.round(255 * value)), height, width, channels: image.channels };
}

/** Means of blocks of factor×factor pixels: a large photograph becomes small before anything is done with numbers. */
function shrink({ data, height, width, channels }: PixelImage, factor: number): PixelImage {
  const [newHeight, newWidth] = [Math.floor(height / factor), Math.floor(width / factor)];
  // The rest that fills no block is left out at both sides alike.
  const top = (height - newHeight * factor) >> 1;
  const left = (width - newWidth * factor) >> 1;
  const small = new Uint8Array(newHeight * newWidth * channels);
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let row = 0; row < factor; row++) {
          let at = ((top + y * factor + row) * width + left + x * factor) * channels + channel;
          for (let column = 0; column < factor; column++, at += channels) sum += data[at]!;
        }
        small[(y * newWidth + x) * channels + channel] = Math.round(sum / (factor * factor));
      }
    }
  }
  return { data: small, height: newHeight, width: newWidth, channels };
}

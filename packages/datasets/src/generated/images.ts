/** What the generators of images have in common: their options, and the loop over images. */
import { Random } from '@milestones/core';
import type { ImageDataset } from '../images/image-dataset.ts';

/** What {@link generateDigits} and {@link generateShapes} make. */
export interface GeneratedImagesOptions {
  /** How many images; classes take turns, so that each has equally many. */
  count: number;
  /** Default 1. The same seed makes the same images; a longer set of the same seed begins with the shorter. */
  seed?: number;
  /** Images for testing are drawn independently of those for training. Default `train`. */
  part?: 'train' | 'test';
  /** Height and width in pixels. Default 28 for digits, 32 for shapes. */
  size?: number;
}

/** Draws one image of `label` into `pixels` (H·W·C bytes, all zero before). */
export type DrawImage = (label: number, pixels: Uint8Array, random: Random) => void;

/** `count` images of taking-turns classes, each with random numbers of its own. */
export function generateImages(
  name: string,
  options: GeneratedImagesOptions,
  form: { size: number; channels: number; classNames: readonly string[]; draw: DrawImage },
): ImageDataset {
  const { count, seed = 1, part = 'train' } = options;
  const { size, channels, classNames, draw } = form;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error(`${name}: ${count} images were asked for; give a whole number of at least 1.`);
  }
  if (!Number.isSafeInteger(size) || size < 8 || size > 512) {
    throw new Error(`${name}: images of ${size} pixels were asked for; give a whole number from 8 to 512.`);
  }
  if (part !== 'train' && part !== 'test') {
    throw new Error(`${name}: the part "${String(part)}" arrived; choose 'train' or 'test'.`);
  }
  const random = new Random(seed, `${name}/${part}`);
  const bytes = size * size * channels;
  const images = new Uint8Array(count * bytes);
  const labels = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const label = index % classNames.length;
    labels[index] = label;
    draw(label, images.subarray(index * bytes, (index + 1) * bytes), random.fork(String(index)));
  }
  return { name: `${name} ${part}`, images, labels, count, height: size, width: size, channels, classNames };
}

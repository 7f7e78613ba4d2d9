/** Grey images as numbers, for nets that know no labels. */
import type { Random } from '@milestones/core';
import type { ImageDataset } from '@milestones/datasets';

/** Images [N, size, size], flat, from 0 to 1. */
export interface GreyImages {
  values: Float32Array;
  count: number;
  size: number;
}

/** The images of a set, each square of `shrink` by `shrink` pixels made one. */
export function greyImages({ images, count, height, width, channels }: ImageDataset, shrink: number): GreyImages {
  if (height !== width || channels !== 1 || height % shrink !== 0) {
    throw new Error(
      `greyImages: images of ${height}×${width}×${channels} arrived, to be shrunk ${shrink} times; give square grey images ` +
        'whose side divides by that.',
    );
  }
  const size = height / shrink;
  const values = new Float32Array(count * size * size);
  for (let index = 0; index < images.length; index++) {
    const [image, place] = [Math.floor(index / (height * width)), index % (height * width)];
    const row = Math.floor(Math.floor(place / width) / shrink);
    const column = Math.floor((place % width) / shrink);
    values[(image * size + row) * size + column]! += images[index]! / (255 * shrink * shrink);
  }
  return { values, count, size };
}

/**
 * Black and white images. With `random`, each pixel is 1 with its brightness as probability (Salakhutdinov and Murray 2008);
 * without, where it is brighter than half.
 */
export function binarize({ values, count, size }: GreyImages, random?: Random): GreyImages {
  const pixels = size * size;
  const binary = new Float32Array(values.length);
  for (let image = 0; image < count; image++) {
    const bounds = random?.uniformArray(pixels) ?? new Float32Array(pixels).fill(0.5);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const at = image * pixels + pixel;
      binary[at] = bounds[pixel]! < values[at]! ? 1 : 0;
    }
  }
  return { values: binary, count, size };
}

/** The images at `indices`, one after the other. */
export function takeImages({ values, size }: GreyImages, indices: readonly number[]): Float32Array {
  const pixels = size * size;
  const taken = new Float32Array(indices.length * pixels);
  for (const [row, index] of indices.entries()) {
    taken.set(values.subarray(index * pixels, (index + 1) * pixels), row * pixels);
  }
  return taken;
}

/** Nats per image of `test` where each pixel is a coin of its own, with the share of ones in `train` as probability. */
export function coinNats(train: GreyImages, test: GreyImages): number {
  const pixels = train.size ** 2;
  const share = new Float64Array(pixels).fill(1); // one image more of each kind: no probability is 0
  for (const [index, value] of train.values.entries()) share[index % pixels]! += value;
  let sum = 0;
  for (const [index, value] of test.values.entries()) {
    const p = share[index % pixels]! / (train.count + 2);
    sum -= Math.log(value === 1 ? p : 1 - p);
  }
  return sum / test.count;
}

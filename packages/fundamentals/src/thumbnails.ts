/** Small versions of images, for experiments with matrices of some dozen rows. */
import type { ImageDataset } from '@milestones/datasets';
import type { Matrix } from './matrices.ts';

/** Images as the means of blocks × blocks pieces of them, first channel, from 0 to 1: [N, blocks²]. */
export function thumbnails({ images, count, height, width, channels }: ImageDataset, blocks: number): Matrix {
  return Array.from({ length: count }, (_, image) => {
    const row = new Array<number>(blocks ** 2).fill(0);
    for (let pixel = 0; pixel < height * width; pixel++) {
      const [y, x] = [Math.floor(pixel / width), pixel % width];
      const block = Math.floor((y * blocks) / height) * blocks + Math.floor((x * blocks) / width);
      const value = images[(image * height * width + pixel) * channels]! / 255;
      row[block]! += (value * blocks ** 2) / (height * width);
    }
    return row;
  });
}

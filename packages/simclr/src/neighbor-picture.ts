/** A picture of neighbours: in each row an image and, to its right, the images nearest to it. */
import { imageGrid, type ImageDataset, type PixelImage } from '@milestones/datasets';
import { nearestNeighbors } from './nearest-neighbors.ts';
import { firstRows, type Representations } from './represent.ts';

/**
 * Draws the first `rows` queries with their nearest neighbours in a bank, nearest first.
 *
 * @param bank images and what represents them
 * @param queries images and what represents them, of the same network
 * @param options `rows` and `neighbors`, default 10 and 9
 */
export async function neighborPicture(
  bank: { images: ImageDataset; representations: Representations },
  queries: { images: ImageDataset; representations: Representations },
  options: { rows?: number; neighbors?: number } = {},
): Promise<PixelImage> {
  const { neighbors = 9 } = options;
  const asked = firstRows(queries.representations, options.rows ?? 10);
  const { indices } = await nearestNeighbors(bank.representations, asked, neighbors);
  const { height, width, channels } = queries.images;
  const size = height * width * channels;
  const values = new Float32Array(asked.count * (neighbors + 1) * size);
  let at = 0;
  const draw = ({ images }: ImageDataset, index: number): void => {
    for (let pixel = index * size; pixel < (index + 1) * size; pixel++) values[at++] = images[pixel]! / 255;
  };
  for (let row = 0; row < asked.count; row++) {
    draw(queries.images, row);
    for (let place = 0; place < neighbors; place++) draw(bank.images, indices[row * neighbors + place]!);
  }
  return imageGrid(values, { height, width, channels: channels === 3 ? 3 : 1 }, { columns: neighbors + 1 });
}

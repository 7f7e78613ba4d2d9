/** Generated images as tensors of a batch. */
import { tf } from '@milestones/backend';

/** Images with the labels of a task; `size` is height and width. */
export interface ColourImages {
  /** [N, H, W, 3], flat bytes. */
  readonly images: Uint8Array;
  readonly size: number;
}

/** The images at `indices` as [B, H, W, 3], from −1 to 1; what is left of light and contrast is for the net to learn. */
export function imageBatch({ images, size }: ColourImages, indices: readonly number[]): tf.Tensor4D {
  const values = takeRows(images, size * size * 3, indices, (value) => value / 127.5 - 1);
  return tf.tensor4d(values, [indices.length, size, size, 3]);
}

/** The rows at `indices` of a flat table, one after the other. */
export function takeRows(
  table: ArrayLike<number>,
  width: number,
  indices: readonly number[],
  change: (value: number) => number = (value) => value,
): Float32Array {
  const rows = new Float32Array(indices.length * width);
  indices.forEach((index, row) => {
    for (let column = 0; column < width; column++) {
      rows[row * width + column] = change(table[index * width + column]!);
    }
  });
  return rows;
}

/** 0, 1, … in pieces of at most `size`. */
export function inPieces(count: number, size: number): number[][] {
  const all = Array.from({ length: count }, (_, index) => index);
  return Array.from({ length: Math.ceil(count / size) }, (_, piece) => all.slice(piece * size, (piece + 1) * size));
}

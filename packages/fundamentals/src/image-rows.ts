import { tf } from '@milestones/backend';
import type { ImageDataset } from '@milestones/datasets';

/** Labelled rows of numbers, as `trainEpochs` takes them. */
export interface Rows {
  /** N. */
  readonly count: number;
  /** Rows [B, P] and labels [B] of the examples at `indices`. The caller disposes both. */
  batch(indices: ArrayLike<number>): { images: tf.Tensor2D; labels: tf.Tensor1D };
}

/** Labelled images as rows of numbers from 0 to 1. They stay bytes in memory; a batch is made when it is asked for. */
export class ImageRows implements Rows {
  readonly dataset: ImageDataset;
  /** P, numbers in a row. */
  readonly pixels: number;
  /** K. */
  readonly classes: number;
  /** N. */
  readonly count: number;

  constructor(dataset: ImageDataset) {
    this.dataset = dataset;
    this.pixels = dataset.height * dataset.width * dataset.channels;
    this.classes = dataset.classNames.length;
    this.count = dataset.count;
  }

  /** Rows [B, P] and labels [B] of the images at `indices`. The caller disposes both. */
  batch(indices: ArrayLike<number>): { images: tf.Tensor2D; labels: tf.Tensor1D } {
    const { pixels } = this;
    const rows = new Float32Array(indices.length * pixels);
    const labels = new Int32Array(indices.length);
    for (let row = 0; row < indices.length; row++) {
      const from = indices[row]! * pixels;
      for (let pixel = 0; pixel < pixels; pixel++) {
        rows[row * pixels + pixel] = this.dataset.images[from + pixel]! / 255;
      }
      labels[row] = this.dataset.labels[indices[row]!]!;
    }
    return { images: tf.tensor2d(rows, [indices.length, pixels]), labels: tf.tensor1d(labels, 'int32') };
  }

  /** All images, in batches of at most `size`, in their order. */
  *everything(size = 1000): Generator<{ images: tf.Tensor2D; labels: tf.Tensor1D; rows: number }> {
    for (let from = 0; from < this.count; from += size) {
      const rows = Math.min(size, this.count - from);
      yield {
        ...this.batch(Array.from({ length: rows }, (_, row) => from + row)),
        rows,
      };
    }
  }
}

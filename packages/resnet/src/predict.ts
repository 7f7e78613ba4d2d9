/** From the pixels of one image to the names of its likely classes. */
import { tf } from '@milestones/backend';
import { z } from 'zod';

/** An image as bytes. */
export interface Pixels {
  /** Values from 0 to 255, row by row, the channels of a pixel together: H · W · C. */
  data: Uint8Array | Uint8ClampedArray;
  height: number;
  width: number;
  channels: number;
}

/** One class and how likely it is. */
export interface Prediction {
  /** The number of the class, from 0. */
  label: number;
  /** Its name; the number again where there is none. */
  name: string;
  /** From the softmax over all classes. */
  probability: number;
}

export const preprocessingSchema = z.strictObject({
  /** Height and width that the network was trained on. */
  size: z.int().min(1),
  /** Length of the shorter side before the middle is cut out; without it the image is resized to `size` outright. */
  resize: z.int().min(1).optional(),
  /** Of each channel, of pixels from 0 to 1. */
  mean: z.array(z.number()),
  /** Standard deviation of each channel. */
  deviation: z.array(z.number().positive()),
});

/** How pixels become a network's input. */
export type Preprocessing = z.output<typeof preprocessingSchema>;

/** Resizes, cuts out the middle and normalises: x = (pixel / 255 − mean) / deviation. @returns [1, size, size, channels] */
export function preparePixels(image: Pixels, preprocessing: Preprocessing, channels: number): tf.Tensor4D {
  const { data, height, width } = image;
  if (data.length !== height * width * image.channels) {
    throw new Error(
      `predict: ${data.length} bytes arrived for an image of ${height} × ${width} pixels and ${image.channels} channels; ` +
        `give ${height * width * image.channels}.`,
    );
  }
  if (image.channels !== channels && !(image.channels === 1 && channels === 3)) {
    throw new Error(
      `predict: an image of ${image.channels} channels arrived for a network of ${channels}; convert it first` +
        `${image.channels === 4 ? ' (drop its alpha channel)' : ''}.`,
    );
  }
  const { size, resize, mean, deviation } = preprocessing;
  return tf.tidy(() => {
    let pixels = tf.tensor4d(Float32Array.from(data), [1, height, width, image.channels]);
    if (image.channels !== channels) pixels = tf.tile(pixels, [1, 1, 1, channels]); // Grey to colour.
    const scale = resize === undefined ? undefined : resize / Math.min(height, width);
    const [tall, wide] =
      scale === undefined ? [size, size] : [Math.round(height * scale), Math.round(width * scale)];
    if (tall !== height || wide !== width) pixels = tf.image.resizeBilinear(pixels, [tall, wide], false, true);
    if (tall !== size || wide !== size) {
      const corner: [number, number, number, number] = [0, Math.floor((tall - size) / 2), Math.floor((wide - size) / 2), 0];
      pixels = tf.slice(pixels, corner, [1, size, size, channels]);
    }
    return tf.div(tf.sub(tf.div(pixels, 255), mean), deviation) as tf.Tensor4D;
  });
}

/** The `top` most likely classes of one row of logits, best first. */
export function classify(
  logits: ArrayLike<number>,
  classNames: readonly string[] | undefined,
  top: number,
): Prediction[] {
  if (!Number.isInteger(top) || top < 1) {
    throw new Error(`predict: the ${top} most likely classes were asked for; give a whole number of at least 1.`);
  }
  const values = Array.from(logits);
  const largest = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - largest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials
    .map((value, label) => ({ label, name: classNames?.[label] ?? String(label), probability: value / total }))
    .toSorted((one, other) => other.probability - one.probability)
    .slice(0, top);
}

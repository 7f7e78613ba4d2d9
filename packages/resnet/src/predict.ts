/** From the bytes of one image to a network's input. */
import { tf } from '@milestones/backend';
import { evaluationBatches, type AugmentationStep } from '@milestones/datasets';
import { finiteNumber, positiveInteger, positiveNumber } from '@milestones/core';
import * as v from 'valibot';

/** An image as bytes. */
export interface Pixels {
  /** Values from 0 to 255, row by row, the channels of a pixel together: H · W · C. */
  data: Uint8Array;
  height: number;
  width: number;
  channels: number;
}

export const preprocessingSchema = v.strictObject({
  size: v.pipe(positiveInteger, v.description('height and width of the network’s input')),
  resize: v.optional(
    v.pipe(positiveInteger, v.description('length of the shorter side before the middle is cut out; default: size')),
  ),
  mean: v.pipe(v.array(finiteNumber), v.description('of each channel, of pixels from 0 to 1')),
  deviation: v.pipe(v.array(positiveNumber), v.description('standard deviation of each channel')),
});

/** How images become a network's input: resized, the middle cut out, (pixel − mean) / deviation. */
export type Preprocessing = v.InferOutput<typeof preprocessingSchema>;

/** The same as steps for `evaluationBatches`, for images of one size. */
export function preparationSteps(
  { size, resize = size, mean, deviation }: Preprocessing,
  image: Pick<Pixels, 'height' | 'width'>,
): AugmentationStep[] {
  const fits = image.height === size && image.width === size;
  return [
    ...(fits
      ? []
      : ([
          { kind: 'resize', size: resize },
          { kind: 'centerCrop', size },
        ] as const)),
    { kind: 'normalize', mean, deviation },
  ];
}

/** Prepares one image; grey becomes colour where the network wants it. @returns [1, size, size, channels] */
export function prepareImage(image: Pixels, preprocessing: Preprocessing, channels: number): tf.Tensor4D {
  let { data } = image;
  if (image.channels !== channels) {
    if (image.channels !== 1) {
      throw new Error(
        `predict: an image of ${image.channels} channels arrived for a network of ${channels}; convert it first` +
          `${image.channels === 4 ? ' (leave out its alpha channel)' : ''}.`,
      );
    }
    data = Uint8Array.from({ length: data.length * channels }, (_, index) => image.data[Math.floor(index / channels)]!);
  }
  const { height, width } = image;
  const one = { name: 'image', images: data, labels: Uint8Array.of(0), count: 1, height, width, channels };
  const steps = preparationSteps(preprocessing, image);
  const [batch] = evaluationBatches({ ...one, classNames: ['unknown'] }, 1, steps);
  return tf.tensor4d(batch!.images, batch!.shape);
}

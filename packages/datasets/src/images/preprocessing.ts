/** From the bytes of an image to a network's input, as the network's training prepared its images. */
import { finiteNumber, positiveInteger, positiveNumber } from '@milestones/core';
import * as v from 'valibot';
import { evaluationBatches } from '../batches/image-batches.ts';
import type { AugmentationStep } from './augmentation.ts';

/** An image as bytes. */
export interface Pixels {
  /** Values from 0 to 255, row by row, the channels of a pixel together: H · W · C. */
  data: Uint8Array;
  height: number;
  width: number;
  channels: number;
}

/** Schema of a {@link Preprocessing}, for configurations that are saved with a model. */
export const preprocessingSchema = v.strictObject({
  size: v.pipe(positiveInteger, v.description('height and width of the prepared image')),
  resize: v.optional(
    v.pipe(positiveInteger, v.description('length of the shorter side before the middle is cut out; default: size')),
  ),
  crop: v.optional(
    v.pipe(positiveInteger, v.description('height and width of the ten pieces of it that are averaged; default: none')),
  ),
  mean: v.pipe(v.array(finiteNumber), v.description('of each channel, of pixels from 0 to 1')),
  deviation: v.pipe(v.array(positiveNumber), v.description('standard deviation of each channel')),
});

/** How images become a network's input: the shorter side resized, the middle cut out, (pixel − mean) / deviation. */
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

/**
 * Prepares one image; grey becomes colour where the preprocessing is for more channels.
 *
 * @param where names the caller in messages
 * @param preprocessing of the network; undefined is an error that says what to set
 * @returns the numbers of a tensor [1, size, size, channels]
 */
export function prepareImage(
  where: string,
  image: Pixels,
  preprocessing: Preprocessing | undefined,
): { images: Float32Array; shape: [number, number, number, number] } {
  if (preprocessing === undefined) {
    throw new Error(
      `${where}: this network does not know how its images were prepared; set model.preprocessing, or load it with its ` +
        'weights.',
    );
  }
  const channels = preprocessing.mean.length;
  let { data } = image;
  if (image.channels !== channels) {
    if (image.channels !== 1) {
      throw new Error(
        `${where}: an image of ${image.channels} channels arrived for a network of ${channels}; convert it first` +
          `${image.channels === 4 ? ' (leave out its alpha channel)' : ''}.`,
      );
    }
    data = Uint8Array.from({ length: data.length * channels }, (_, index) => image.data[Math.floor(index / channels)]!);
  }
  const { height, width } = image;
  const one = { name: 'image', images: data, labels: Uint8Array.of(0), count: 1, height, width, channels };
  const steps = preparationSteps(preprocessing, image);
  const [batch] = evaluationBatches({ ...one, classNames: ['unknown'] }, 1, steps);
  return { images: batch!.images, shape: batch!.shape };
}

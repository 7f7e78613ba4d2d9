/** From the bytes of one image to a network's input, and to the names of its likely classes. */
import { tf } from '@milestones/backend';
import {
  tenCropViews,
  testTimeAugmentation,
  type ClassProbability,
  type Module,
  topClasses,
  finiteNumber,
  positiveInteger,
  positiveNumber,
} from '@milestones/core';
import { evaluationBatches, type AugmentationStep } from '@milestones/datasets';
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
  size: v.pipe(positiveInteger, v.description('height and width of the prepared image')),
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
  { size, mean, deviation }: Preprocessing,
  image: Pick<Pixels, 'height' | 'width'>,
): AugmentationStep[] {
  const fits = image.height === size && image.width === size;
  return [
    ...(fits
      ? []
      : ([
          { kind: 'resize', size },
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

/** What {@link predictImage} asks of a network. */
type Predictor = Module & {
  readonly classes: number;
  readonly classNames: readonly string[] | undefined;
  readonly preprocessing: Preprocessing | undefined;
  forward(images: tf.Tensor4D): tf.Tensor2D;
};

/**
 * The most likely classes of one image. Where the preprocessing has pieces, the softmax is averaged over ten of them: the
 * corners, the middle, and their mirror images (section 4.1).
 */
export async function predictImage(
  model: Predictor,
  image: Pixels,
  top: number | undefined,
): Promise<ClassProbability[]> {
  const { preprocessing } = model;
  if (preprocessing === undefined) {
    throw new Error(
      'predict: this network does not know how its images were prepared; set model.preprocessing, or load it with its ' +
        'weights.',
    );
  }
  const wasTraining = model.training;
  model.eval(); // No dropout.
  const input = prepareImage(image, preprocessing, preprocessing.mean.length);
  const logProbabilities = tf.tidy(() => {
    const views = preprocessing.crop === undefined ? [input] : tenCropViews(input, preprocessing.crop);
    return tf.log(testTimeAugmentation((view) => model.forward(view), views)); // [1, K]
  });
  if (wasTraining) model.train();
  try {
    // Below the smallest float32 a probability is 0, and its logarithm no number.
    const logits = Array.from(await logProbabilities.data(), (value) => Math.max(value, -104));
    return topClasses(logits, { names: model.classNames, top });
  } finally {
    tf.dispose([input, logProbabilities]);
  }
}

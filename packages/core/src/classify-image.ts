/** What a network takes one image for. */
import { tf } from '@milestones/backend';
import type { Module } from './module.ts';
import { tenCropViews, testTimeAugmentation } from './test-time-augmentation.ts';
import { topClasses, type ClassProbability } from './top-classes.ts';

/** How {@link classifyImage} looks at an image. */
export interface ClassifyImageOptions {
  /** Height and width of ten pieces whose softmax is averaged; see {@link tenCropViews}. Default: the image as it is. */
  crop?: number | undefined;
  /** Names of the classes. Default: their numbers. */
  names?: readonly string[] | undefined;
  /** How many classes to give. Default 5. */
  top?: number | undefined;
}

/**
 * The most likely classes of one image, best first. The network is in evaluation mode meanwhile: dropout is off, and batch
 * norm does not use the statistics of a single image.
 *
 * @param input [1, H, W, C], prepared as the network's training images were; the caller's to dispose
 */
export async function classifyImage(
  model: Module & { forward(images: tf.Tensor4D): tf.Tensor },
  input: tf.Tensor4D,
  { crop, names, top }: ClassifyImageOptions = {},
): Promise<ClassProbability[]> {
  const wasTraining = model.training;
  model.eval();
  let logProbabilities: tf.Tensor;
  try {
    logProbabilities = tf.tidy(() => {
      const views = crop === undefined ? [input] : tenCropViews(input, crop);
      return tf.log(testTimeAugmentation((view) => model.forward(view), views)); // [1, K]
    });
  } finally {
    if (wasTraining) model.train();
  }
  try {
    // Below the smallest float32 a probability is 0, and its logarithm no number; the logarithm of NaN stays one.
    const logits = Array.from(await logProbabilities.data(), (value) => (value === -Infinity ? -104 : value));
    return topClasses(logits, { names, top });
  } finally {
    logProbabilities.dispose();
  }
}

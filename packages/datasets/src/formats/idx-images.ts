import type { ImageDataset } from '../images/image-dataset.ts';
import { FormatError } from './format-error.ts';
import type { IdxArray } from './idx.ts';

/**
 * Joins the two idx files of a data set: images of shape [N, H, W] or [N, H, W, C], and labels of shape [N].
 *
 * @throws {@link FormatError} when they do not belong together, or a label names no class
 */
export function imagesFromIdx(
  name: string,
  images: IdxArray,
  labels: IdxArray,
  classNames: readonly string[],
): ImageDataset {
  const [count = 0, height = 0, width = 0, channels = 1] = images.shape;
  if (images.shape.length < 3 || images.shape.length > 4 || images.data.length === 0) {
    throw new FormatError(
      `${name}: the images have the sizes ${images.shape.join('×')}; wanted are count×height×width, none of them 0. ` +
        'Check that the two files are not exchanged.',
    );
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new FormatError(
      `${name}: ${count} images arrived with labels of sizes ${labels.shape.join('×')}; ` +
        'give the label file that belongs to the image file.',
    );
  }
  const wrong = labels.data.findIndex((label) => label >= classNames.length);
  if (wrong !== -1) {
    throw new FormatError(
      `${name}: image ${wrong} has the label ${labels.data[wrong]}, but there are ${classNames.length} classes, 0 to ` +
        `${classNames.length - 1}; the file is damaged or of another data set. Get it anew.`,
    );
  }
  return { name, images: images.data, labels: labels.data, count, height, width, channels, classNames };
}

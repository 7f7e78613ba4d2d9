/**
 * The binary version of CIFAR-10 and CIFAR-100: records of one label byte (CIFAR-100: a coarse and a fine one) and
 * 3,072 pixel bytes, which are the red, green and blue plane of a 32×32 image, each row by row.
 */
import type { ImageDataset } from '../images/image-dataset.ts';
import { FormatError } from './format-error.ts';

/** What {@link readCifar} needs to know about the records. */
export interface CifarOptions {
  readonly name: string;
  /** Label bytes before the pixels: 1 in CIFAR-10, 2 in CIFAR-100. */
  readonly labelBytes: 1 | 2;
  /** Which of the label bytes counts. Default: the last, the fine label of CIFAR-100. */
  readonly labelByte?: 0 | 1;
  readonly classNames: readonly string[];
}

const plane = 32 * 32;

/**
 * Reads the records of one or more `.bin` files, in order, into NHWC images.
 *
 * @throws {@link FormatError} when a file is not a whole number of records, or has a label beyond the classes
 */
export function readCifar(files: Uint8Array | readonly Uint8Array[], options: CifarOptions): ImageDataset {
  const { name, labelBytes, labelByte = labelBytes - 1, classNames } = options;
  const parts = files instanceof Uint8Array ? [files] : files;
  const record = labelBytes + 3 * plane;
  for (const [index, { length }] of parts.entries()) {
    if (length === 0 || length % record !== 0) {
      throw new FormatError(
        `${name}: file ${index + 1} of ${parts.length} has ${length} bytes, which is not a whole number of records of ` +
          `${record} bytes; it is truncated or another format. Get it anew.`,
      );
    }
  }
  const count = parts.reduce((sum, part) => sum + part.length / record, 0);
  const images = new Uint8Array(count * 3 * plane);
  const labels = new Uint8Array(count);
  let row = 0;
  for (const part of parts) {
    for (let start = 0; start < part.length; start += record) {
      const label = part[start + labelByte]!;
      if (label >= classNames.length) {
        throw new FormatError(
          `${name}: image ${row} has the label ${label}, but there are ${classNames.length} classes, 0 to ` +
            `${classNames.length - 1}; the file is damaged or of another data set. Get it anew.`,
        );
      }
      labels[row] = label;
      const red = start + labelBytes;
      let target = row * 3 * plane;
      for (let pixel = red; pixel < red + plane; pixel++) {
        images[target] = part[pixel]!;
        images[target + 1] = part[pixel + plane]!;
        images[target + 2] = part[pixel + 2 * plane]!;
        target += 3;
      }
      row++;
    }
  }
  return { name, images, labels, count, height: 32, width: 32, channels: 3, classNames };
}

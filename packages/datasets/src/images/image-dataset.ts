/** Images of one size with a label each, as bytes in memory. */
export interface ImageDataset {
  readonly name: string;
  /** Shape [N, H, W, C], flat; 0 is black, 255 the full strength of a channel. */
  readonly images: Uint8Array;
  /** Shape [N]; each from 0 to `classNames.length` − 1. */
  readonly labels: Uint8Array | Int32Array;
  /** How many images there are, N. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: number;
  readonly classNames: readonly string[];
}

/**
 * `dataset` itself, after a check that its arrays have the sizes it states and its labels name classes.
 *
 * @param where begins the message
 */
export function checkImageDataset(dataset: ImageDataset, where: string): ImageDataset {
  const { name, images, labels, count, height, width, channels, classNames } = dataset;
  for (const [what, value] of Object.entries({ count, height, width, channels })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`${where}: the ${what} of ${name} is ${value}; give a whole number of at least 1.`);
    }
  }
  const size = count * height * width * channels;
  if (images.length !== size || labels.length !== count) {
    throw new Error(
      `${where}: ${name} has ${images.length} bytes and ${labels.length} labels; ` +
        `${count} images of ${height}×${width}×${channels} need ${size} bytes and ${count} labels.`,
    );
  }
  const wrong = labels.findIndex((label) => label < 0 || label >= classNames.length);
  if (wrong !== -1) {
    throw new Error(
      `${where}: image ${wrong} of ${name} has the label ${labels[wrong]}, but there are ${classNames.length} classes, ` +
        `0 to ${classNames.length - 1}; the labels are damaged, or classNames is incomplete.`,
    );
  }
  return dataset;
}

/**
 * The images at `indices`, in that order, as a data set of their own (copied); for a validation part or a smaller
 * training set.
 */
export function selectImages(dataset: ImageDataset, indices: ArrayLike<number>): ImageDataset {
  const { images, labels, height, width, channels, count } = dataset;
  const size = height * width * channels;
  const chosen = new Uint8Array(indices.length * size);
  const chosenLabels = labels instanceof Uint8Array ? new Uint8Array(indices.length) : new Int32Array(indices.length);
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row]!;
    if (!Number.isSafeInteger(index) || index < 0 || index >= count) {
      throw new Error(`selectImages: the index ${index} arrived; ${dataset.name} has images 0 to ${count - 1}.`);
    }
    chosen.set(images.subarray(index * size, (index + 1) * size), row * size);
    chosenLabels[row] = labels[index]!;
  }
  return { ...dataset, images: chosen, labels: chosenLabels, count: indices.length };
}

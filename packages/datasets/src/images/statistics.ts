/** Statistics of a training set's pixels, on the scale from 0 (black) to 1; all are deterministic. */
import type { ImageDataset } from './image-dataset.ts';

/**
 * Mean and standard deviation of every channel over all pixels of all images, for the augmentation step `normalize`.
 *
 *   deviation = sqrt(mean of squares − square of mean)
 *
 * CIFAR-10's training images have the means 0.4914, 0.4822, 0.4465 and the deviations 0.2470, 0.2435, 0.2616.
 */
export function channelStatistics(dataset: ImageDataset): { mean: number[]; deviation: number[] } {
  const { sums, products, pixels } = channelSums(dataset);
  const mean = sums.map((sum) => sum / pixels);
  const deviation = mean.map((value, channel) => {
    const square = products[channel]![channel]! / pixels;
    return Math.sqrt(Math.max(square - value * value, 0)) / 255;
  });
  return { mean: mean.map((value) => value / 255), deviation };
}

/** The mean image, shape [H, W, C] flat: what AlexNet and the CIFAR ResNet subtract from every image. */
export function meanImage(dataset: ImageDataset): Float32Array {
  const { images, count, height, width, channels } = dataset;
  const size = height * width * channels;
  const sums = new Float64Array(size);
  for (let start = 0; start < images.length; start += size) {
    for (let index = 0; index < size; index++) sums[index]! += images[start + index]!;
  }
  return Float32Array.from(sums, (sum) => sum / (255 * count));
}

/** The principal components of a training set's colours; see {@link colorComponents}. */
export interface ColorComponents {
  /** Variances along the components, largest first, on the scale from 0 to 1. */
  readonly values: readonly number[];
  /** One unit vector (red, green, blue) per component; its largest entry is positive. */
  readonly vectors: readonly (readonly number[])[];
}

/**
 * Eigenvalues and eigenvectors of the 3×3 covariance matrix of red, green and blue over all pixels of all images, for
 * the augmentation step `colorPca`. Krizhevsky et al. 2012, section 4.1. The sums are whole numbers and exact, and Jacobi's
 * method always goes the same way, so the same images always give the same bits.
 *
 * @throws when the images are not in colour
 */
export function colorComponents(dataset: ImageDataset): ColorComponents {
  if (dataset.channels !== 3) {
    throw new Error(
      `colorComponents: ${dataset.name} has ${dataset.channels} channels; components of colour need red, green and blue. ` +
        'Leave out the step colorPca for grey images.',
    );
  }
  const { sums, products, pixels } = channelSums(dataset);
  const covariance = products.map((row, i) =>
    row.map((product, j) => (product / pixels - (sums[i]! / pixels) * (sums[j]! / pixels)) / 255 ** 2),
  );
  return symmetricEigen(covariance);
}

/** Exact sums of the channels and of their products: below 2⁵³ for up to 10¹¹ pixels. */
function channelSums({ images, channels }: ImageDataset): { sums: number[]; products: number[][]; pixels: number } {
  const pixels = images.length / channels;
  const sums = Array.from({ length: channels }, () => 0);
  const products = sums.map(() => sums.map(() => 0));
  for (let i = 0; i < channels; i++) {
    for (let j = i; j < channels; j++) {
      let sum = 0;
      let product = 0;
      for (let at = 0; at < images.length; at += channels) {
        sum += images[at + i]!;
        product += images[at + i]! * images[at + j]!;
      }
      sums[i] = sum;
      products[i]![j] = product;
      products[j]![i] = product;
    }
  }
  return { sums, products, pixels };
}

/** Jacobi's method: rotations that make one entry beside the diagonal zero after the other. */
function symmetricEigen(matrix: readonly (readonly number[])[]): ColorComponents {
  const size = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((__, j): number => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < size; k++) {
          const [kp, kq] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * kp - s * kq;
          a[k]![q] = s * kp + c * kq;
        }
        for (let k = 0; k < size; k++) {
          const [pk, qk] = [a[p]![k]!, a[q]![k]!];
          a[p]![k] = c * pk - s * qk;
          a[q]![k] = s * pk + c * qk;
          const [vp, vq] = [v[k]![p]!, v[k]![q]!];
          v[k]![p] = c * vp - s * vq;
          v[k]![q] = s * vp + c * vq;
        }
      }
    }
  }
  const order = a.map((_, i) => i).toSorted((i, j) => a[j]![j]! - a[i]![i]!);
  const vectors = order.map((column) => {
    const vector = v.map((row) => row[column]!);
    const largest = vector.reduce((best, entry) => (Math.abs(entry) > Math.abs(best) ? entry : best), 0);
    return vector.map((entry) => (largest < 0 ? -entry : entry));
  });
  return { values: order.map((i) => Math.max(a[i]![i]!, 0)), vectors };
}

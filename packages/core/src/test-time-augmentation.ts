/** Several views of each test image, whose predictions are averaged. */
import { tf } from '@milestones/backend';
import { pairOf, requireImages, type Pair } from './layers/window.ts';

/**
 * The mean of the class probabilities over several views of the same images. Krizhevsky et al. 2012, section 4.1.
 *
 * One view is computed after the other, so that it takes no more memory than one. The model should be in evaluation mode.
 * Call it inside `tf.tidy`, or compile it.
 *
 * @param classify from images to logits [B, K]
 * @param views at least one batch of the same images, such as {@link tenCropViews} or {@link flipViews} of them
 * @returns probabilities [B, K]
 */
export function testTimeAugmentation(
  classify: (images: tf.Tensor4D) => tf.Tensor,
  views: readonly tf.Tensor4D[],
): tf.Tensor2D {
  if (views.length === 0) {
    throw new Error('testTimeAugmentation: no views arrived; give at least the images themselves, [images].');
  }
  const probabilities = views.map((view) => tf.softmax(classify(view)));
  return tf.div(tf.addN(probabilities), views.length) as tf.Tensor2D;
}

/**
 * Ten views: the four corners and the centre, and the mirror images of all five. Krizhevsky et al. 2012, section 4.1, with
 * 224 of 256 pixels. The order is top left, top right, bottom left, bottom right, centre, then mirrored the same; the
 * centre begins at ⌊(extent − size) / 2⌋.
 *
 * @param images [B, H, W, C]
 * @param size rows and columns of a view
 * @returns ten tensors [B, size, size, C]
 */
export function tenCropViews(images: tf.Tensor4D, size: Pair): tf.Tensor4D[] {
  requireImages('tenCropViews', images);
  const [height, width] = pairOf('tenCropViews', 'size', size, 1);
  const [batch, rows, columns, channels] = images.shape;
  const [below, right] = [rows - height, columns - width];
  if (below < 0 || right < 0) {
    throw new Error(
      `tenCropViews: views of ${height} × ${width} pixels of images [${images.shape.join(', ')}]; views are at most as ` +
        'large as the images.',
    );
  }
  const corners = [
    [0, 0],
    [0, right],
    [below, 0],
    [below, right],
    [Math.floor(below / 2), Math.floor(right / 2)],
  ] as const;
  const crops = corners.map(([top, left]) => tf.slice(images, [0, top, left, 0], [batch, height, width, channels]));
  return [...crops, ...crops.map(mirrored)];
}

/** Two views: the images, and their mirror images (left and right exchanged). */
export function flipViews(images: tf.Tensor4D): tf.Tensor4D[] {
  requireImages('flipViews', images);
  return [images, mirrored(images)];
}

function mirrored(images: tf.Tensor4D): tf.Tensor4D {
  return tf.reverse(images, 2);
}

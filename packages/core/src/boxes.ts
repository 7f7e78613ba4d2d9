/**
 * Boxes around objects: how well two agree, which of many to keep, and how good a detector's list is. A box is
 * [left, top, right, bottom].
 */
import { tf } from '@milestones/backend';

type Sides = [left: tf.Tensor, top: tf.Tensor, right: tf.Tensor, bottom: tf.Tensor];

/**
 * Intersection over union of boxes, pair by pair: the shared area as a part of the area that either covers.
 *
 *     IoU = |a ∩ b| / |a ∪ b|        0: apart    1: the same
 *
 * A box without area has an IoU of 0 with every other.
 *
 * @param a [..., 4]
 * @param b [..., 4], a shape that broadcasts with that of `a`: [N, 1, 4] and [1, M, 4] give all pairs, [N, M]
 */
export function boxIntersectionOverUnion(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  if (a.shape.at(-1) !== 4 || b.shape.at(-1) !== 4) {
    throw new Error(
      `boxIntersectionOverUnion: boxes of shape [${a.shape.join(', ')}] and [${b.shape.join(', ')}] arrived; the last size ` +
        'is 4: left, top, right, bottom.',
    );
  }
  const [left, top, right, bottom] = tf.split(a, 4, -1) as Sides; // each [..., 1]
  const [otherLeft, otherTop, otherRight, otherBottom] = tf.split(b, 4, -1) as Sides;
  const length = (from: tf.Tensor, to: tf.Tensor): tf.Tensor => tf.relu(tf.sub(to, from));
  const shared = tf.mul(
    length(tf.maximum(left, otherLeft), tf.minimum(right, otherRight)),
    length(tf.maximum(top, otherTop), tf.minimum(bottom, otherBottom)),
  );
  const areas = tf.add(
    tf.mul(length(left, right), length(top, bottom)),
    tf.mul(length(otherLeft, otherRight), length(otherTop, otherBottom)),
  );
  return tf.squeeze(tf.div(shared, tf.maximum(tf.sub(areas, shared), 1e-12)), [-1]);
}

/** One box; left ≤ right, top ≤ bottom. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** {@link boxIntersectionOverUnion} of two boxes on the host. */
export function overlapOf(a: Box, b: Box): number {
  const length = (from: number, to: number): number => Math.max(0, to - from);
  const area = ([left, top, right, bottom]: Box): number => length(left, right) * length(top, bottom);
  const shared = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return shared === 0 ? 0 : shared / (area(a) + area(b) - shared);
}

/**
 * Of boxes that overlap, the one with the highest score: greedy non-maximum suppression.
 *
 * @param boxes candidates of one class in one image
 * @param scores one for each
 * @param threshold a box whose IoU with a kept one is above it is left out
 * @returns indices of the kept boxes, best first
 */
export function nonMaximumSuppression(boxes: readonly Box[], scores: ArrayLike<number>, threshold: number): number[] {
  if (scores.length !== boxes.length || !(threshold >= 0 && threshold <= 1)) {
    throw new Error(
      `nonMaximumSuppression: ${boxes.length} boxes, ${scores.length} scores and the threshold ${threshold} arrived; give ` +
        'one score for each box, and a threshold from 0 to 1.',
    );
  }
  const kept: number[] = [];
  const order = boxes.map((_, index) => index).toSorted((a, b) => scores[b]! - scores[a]!);
  for (const index of order) {
    if (kept.every((other) => overlapOf(boxes[index]!, boxes[other]!) <= threshold)) kept.push(index);
  }
  return kept;
}

/**
 * Average precision of a ranked list: the area under precision as a function of recall, where precision at a recall is the
 * best at this or any higher one. Everingham et al. 2010, section 4.2, in the form of 2010 with every point of the curve.
 *
 * @param detections score, and whether it found an object that no better one had found
 * @param objects how many objects there are to find, at least 1
 * @returns from 0 to 1
 */
export function averagePrecision(
  detections: readonly { readonly score: number; readonly correct: boolean }[],
  objects: number,
): number {
  if (!Number.isSafeInteger(objects) || objects < 1) {
    throw new Error(`averagePrecision: ${objects} objects arrived; give a whole number of at least 1.`);
  }
  const ranked = detections.toSorted((a, b) => b.score - a.score);
  const precisions: number[] = []; // at each detection that found something
  let found = 0;
  for (const [index, { correct }] of ranked.entries()) {
    if (!correct) continue;
    found++;
    precisions.push(found / (index + 1));
  }
  let area = 0;
  let best = 0;
  for (const precision of precisions.toReversed()) {
    best = Math.max(best, precision);
    area += best / objects; // one more object found: recall grows by 1 / objects
  }
  return area;
}

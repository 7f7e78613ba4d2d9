import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { flipViews, Random, tenCropViews, testTimeAugmentation } from '../src/index.ts';
import { expectClose } from '../src/testing.ts';

/** The pixel at row r and column c is 10 r + c. */
const numbered = (rows: number, columns: number): tf.Tensor4D =>
  tf.tensor(
    Array.from({ length: rows * columns }, (_, at) => 10 * Math.floor(at / columns) + (at % columns)),
    [1, rows, columns, 1],
  ) as tf.Tensor4D;

beforeAll(async () => {
  await useBackend('cpu');
});

describe('views', () => {
  it('ten crops: corners, centre, and their mirror images', () => {
    const views = tenCropViews(numbered(4, 5), 2);
    expect(views.map((view) => Array.from(view.dataSync()))).toEqual([
      [0, 1, 10, 11],
      [3, 4, 13, 14],
      [20, 21, 30, 31],
      [23, 24, 33, 34],
      [11, 12, 21, 22],
      [1, 0, 11, 10],
      [4, 3, 14, 13],
      [21, 20, 31, 30],
      [24, 23, 34, 33],
      [12, 11, 22, 21],
    ]);
    expect(tenCropViews(numbered(4, 5), [4, 5])).toHaveLength(10);
  });

  it('two views: as it is and mirrored, channels in place', () => {
    const [same, mirrored] = flipViews(tf.tensor([1, 2, 3, 4], [1, 1, 2, 2]) as tf.Tensor4D);
    expect([same, mirrored].map((view) => Array.from(view!.dataSync()))).toEqual([
      [1, 2, 3, 4],
      [3, 4, 1, 2],
    ]);
  });

  it('refuses views larger than the images', () => {
    expect(() => tenCropViews(numbered(4, 5), 5)).toThrow(
      'tenCropViews: views of 5 × 5 pixels of images [1, 4, 5, 1]; views are at most as large as the images.',
    );
  });
});

describe('testTimeAugmentation', () => {
  it('averages probabilities, not logits', () => {
    tf.tidy(() => {
      const weights = tf.tensor2d(new Random(1).normalArray(12), [4, 3]);
      const classify = (x: tf.Tensor4D): tf.Tensor2D => tf.matMul(tf.reshape(x, [-1, 4]) as tf.Tensor2D, weights);
      const views = flipViews(tf.tensor(new Random(2).normalArray(8), [2, 2, 2, 1]) as tf.Tensor4D);
      const [a, b] = views.map((view) => tf.softmax(classify(view)));
      const found = testTimeAugmentation(classify, views);
      expectClose(found, Array.from(tf.div(tf.add(a!, b!), 2).dataSync()), 1e-6);
      expectClose(tf.sum(found, 1), [1, 1], 1e-6);
    });
  });

  it('does not change a classifier that is blind to what the views change', () => {
    tf.tidy(() => {
      const classify = (x: tf.Tensor4D): tf.Tensor => tf.mean(x, [1, 2]);
      const x = tf.tensor(new Random(2).normalArray(24), [2, 2, 2, 3]) as tf.Tensor4D;
      expectClose(testTimeAugmentation(classify, flipViews(x)), Array.from(tf.softmax(classify(x)).dataSync()), 1e-6);
      expectClose(testTimeAugmentation(classify, [x]), Array.from(tf.softmax(classify(x)).dataSync()), 1e-6);
    });
  });

  it('needs a view', () => {
    expect(() => testTimeAugmentation((x) => x, [])).toThrow('testTimeAugmentation: no views arrived');
  });
});

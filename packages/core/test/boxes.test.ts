import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import {
  averagePrecision,
  type Box,
  boxIntersectionOverUnion,
  nonMaximumSuppression,
  overlapOf,
} from '../src/boxes.ts';
import { checkGradients, compareEngines, expectClose } from '../src/testing.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const unit: Box = [0, 0, 2, 2];
const pairs: [Box, number][] = [
  [[0, 0, 2, 2], 1],
  [[1, 0, 3, 2], 1 / 3],
  [[1, 1, 3, 3], 1 / 7],
  [[0.5, 0.5, 1.5, 1.5], 1 / 4],
  [[2, 0, 4, 2], 0],
  [[5, 5, 6, 6], 0],
  [[1, 1, 1, 1], 0],
];

describe('intersection over union', () => {
  it.each(pairs)('of [0, 0, 2, 2] and %j', (box, expected) => {
    expect(overlapOf(unit, box)).toBeCloseTo(expected, 12);
    expect(overlapOf(box, unit)).toBeCloseTo(expected, 12);
  });

  it('is the same for tensors, pair by pair and for all pairs, on every engine', async () => {
    const boxes = pairs.map(([box]) => [...box]);
    const values = pairs.map(([, value]) => value);
    const all = (): tf.Tensor =>
      boxIntersectionOverUnion(tf.tensor([...unit], [1, 1, 4]), tf.tensor2d(boxes).reshape([1, -1, 4]));
    tf.tidy(() => {
      expectClose(all(), { shape: [1, values.length], values }, 1e-6);
      const repeated = tf.tensor2d(boxes.map(() => [...unit]));
      expectClose(boxIntersectionOverUnion(tf.tensor2d(boxes), repeated), { shape: [values.length], values }, 1e-6);
    });
    await compareEngines(all);
  });

  it('can be differentiated where boxes overlap', () =>
    checkGradients(boxIntersectionOverUnion, [tf.tensor2d([[0, 0, 2, 2]]), tf.tensor2d([[0.5, 0.7, 2.6, 1.8]])]));

  it('refuses what are not boxes', () => {
    expect(() => boxIntersectionOverUnion(tf.zeros([2, 3]), tf.zeros([2, 4]))).toThrow('the last size is 4');
  });
});

describe('nonMaximumSuppression', () => {
  const boxes: Box[] = [
    [0, 0, 2, 2],
    [0.1, 0, 2.1, 2],
    [1, 0, 3, 2],
    [5, 5, 6, 6],
  ];

  it('keeps the best of those that overlap', () => {
    expect(nonMaximumSuppression(boxes, [0.5, 0.9, 0.8, 0.1], 0.5)).toEqual([1, 2, 3]);
    expect(nonMaximumSuppression(boxes, [0.5, 0.9, 0.8, 0.1], 0.2)).toEqual([1, 3]);
    expect(nonMaximumSuppression(boxes, [0.5, 0.9, 0.8, 0.1], 1)).toEqual([1, 2, 0, 3]);
    expect(nonMaximumSuppression([], [], 0.5)).toEqual([]);
  });

  it('refuses what does not fit', () => {
    expect(() => nonMaximumSuppression(boxes, [1], 0.5)).toThrow('4 boxes, 1 scores and the threshold 0.5 arrived');
    expect(() => nonMaximumSuppression(boxes, [1, 1, 1, 1], 2)).toThrow('a threshold from 0 to 1');
  });
});

describe('averagePrecision', () => {
  const ranked = (...correct: boolean[]) => correct.map((each, index) => ({ score: -index, correct: each }));

  it('is 1 for all objects first, and 0 for none', () => {
    expect(averagePrecision(ranked(true, true, false), 2)).toBe(1);
    expect(averagePrecision(ranked(false, false), 2)).toBe(0);
    expect(averagePrecision([], 1)).toBe(0);
  });

  it('is the area under the best precision at or beyond each recall', () => {
    // Precisions 1, 2/4 and 3/5 at recalls 1/4, 2/4 and 3/4; the second is lifted to 3/5.
    expect(averagePrecision(ranked(true, false, false, true, true), 4)).toBeCloseTo((1 + 0.6 + 0.6) / 4, 12);
  });

  it('ranks by score', () => {
    const detections = [
      { score: 0.1, correct: true },
      { score: 0.9, correct: false },
    ];
    expect(averagePrecision(detections, 1)).toBe(0.5);
    expect(() => averagePrecision(detections, 0)).toThrow('0 objects arrived');
  });
});

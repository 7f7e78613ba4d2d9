import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { heatMaps, highestPoints, pose } from '../../src/data-kinds/pose.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

describe('heat maps', () => {
  const points = [
    [5, 7, 20, 30, 1, 1, 16, 16, 31, 3],
    [12, 9, 3, 27, 29, 29, 8, 22, 15, 5],
  ];

  it('are hills of height 1 and width 1 around the places', () => {
    tf.tidy(() => {
      const maps = heatMaps(tf.tensor3d(points.flat(), [2, 5, 2]), 32);
      expect(maps.shape).toEqual([2, 16, 16, 5]);
      // (5, 7) is (2.5, 3.5) on the map: the middle of its pixel in row 3, column 2.
      const [top, beside] = [2, 3].map((column) => tf.slice(maps, [0, 3, column, 0], [1, 1, 1, 1]).dataSync()[0]!);
      expect(top).toBeCloseTo(1, 6);
      expect(beside).toBeCloseTo(Math.exp(-0.5), 6);
    });
  });

  it('give the places back, to the pixel of the map', () => {
    tf.tidy(() => {
      const maps = heatMaps(tf.tensor3d(points.flat(), [2, 5, 2]), 32);
      const found = highestPoints(maps).dataSync();
      points.flat().forEach((value, index) => expect(Math.abs(found[index]! - value)).toBeLessThanOrEqual(1));
    });
  });
});

describe('pose', () => {
  it('finds points that the mean pose misses', async () => {
    const { metrics } = await runQuick(pose, { count: 400, testCount: 40, steps: 100 });
    expect(metrics['gainOverMean']).toBeGreaterThan(0.1);
  });
});

import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { inPieces, takeRows } from '../../src/data-kinds/scene-tensors.ts';
import { segmentation, SegmentationNet } from '../../src/data-kinds/segmentation.ts';
import { runQuick } from '../run-quick.ts';

beforeAll(async () => {
  await useBackend();
});

describe('batches', () => {
  it('take rows in the order of the indices, and pieces until all are taken', () => {
    expect([...takeRows([0, 1, 2, 3, 4, 5], 2, [2, 0], (value) => 10 * value)]).toEqual([40, 50, 0, 10]);
    expect(inPieces(5, 2)).toEqual([[0, 1], [2, 3], [4]]);
  });
});

describe('segmentation', () => {
  it('gives a class for each pixel', () => {
    const net = new SegmentationNet(4).initialize(1);
    tf.tidy(() => {
      expect(net.forward(tf.zeros([2, 16, 16, 3])).shape).toEqual([2, 16, 16, 5]);
    });
    net.dispose();
  });

  it('finds shapes where ground everywhere finds none, with either loss', async () => {
    const { metrics } = await runQuick(segmentation, { count: 300, testCount: 30, steps: 60 });
    expect(metrics['groundAccuracy']).toBeGreaterThan(0.8); // no metric for this task
    expect(metrics['groundOverlap']).toBeLessThan(0.19);
    expect(metrics['crossEntropyOverlap']).toBeGreaterThan(metrics['groundOverlap']!);
    expect(metrics['diceOverlap']).toBeGreaterThan(metrics['groundOverlap']!);
  });
});

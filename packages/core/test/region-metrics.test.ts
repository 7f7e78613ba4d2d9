import { describe, expect, it } from 'vitest';
import { ConfusionMatrix, correctKeyPoints } from '../src/region-metrics.ts';

describe('ConfusionMatrix', () => {
  it('counts over several calls', () => {
    const matrix = new ConfusionMatrix(3);
    matrix.add([0, 0, 1], [0, 1, 1]);
    matrix.add(Uint8Array.of(1, 0), Int32Array.of(1, 0));
    expect([...matrix.counts]).toEqual([2, 0, 0, 1, 2, 0, 0, 0, 0]);
    expect(matrix.accuracy).toBe(4 / 5);
    expect(matrix.intersectionOverUnion).toEqual([2 / 3, 2 / 3, NaN]);
    expect(matrix.meanIntersectionOverUnion).toBeCloseTo(2 / 3, 12); // the class that is nowhere does not count
  });

  it('gives 0 to a class that is there and never found', () => {
    const matrix = new ConfusionMatrix(2);
    matrix.add([0, 0, 0, 0], [0, 0, 0, 1]);
    expect(matrix.meanIntersectionOverUnion).toBe((3 / 4 + 0) / 2);
  });

  it('refuses what does not fit', () => {
    expect(() => new ConfusionMatrix(1)).toThrow('1 classes arrived');
    expect(() => new ConfusionMatrix(2).add([0], [0, 1])).toThrow('1 predictions and 2 labels arrived');
    expect(() => new ConfusionMatrix(2).add([2], [0])).toThrow('the prediction 2 arrived at place 0');
  });
});

describe('correctKeyPoints', () => {
  it('measures each distance by its own body', () => {
    // Two bodies of two points; distances 0, 1, 1 and 5; sizes 4 and 10.
    const truth = [0, 0, 1, 1, 0, 0, 5, 5];
    const predictions = [0, 0, 1, 2, 1, 0, 9, 8];
    expect(correctKeyPoints(predictions, truth, [4, 10], 0.2)).toBe(2 / 4);
    expect(correctKeyPoints(predictions, truth, [5, 10], 0.2)).toBe(3 / 4); // the bound itself counts
    expect(correctKeyPoints(predictions, truth, [5, 10], 0.5)).toBe(1);
  });

  it('refuses what does not fit', () => {
    expect(() => correctKeyPoints([0, 0], [0, 0, 1, 1], [1], 0.2)).toThrow('2 and 4 coordinates of 1 bodies');
    expect(() => correctKeyPoints([0, 0], [0, 0], [1], 0)).toThrow('the fraction 0 arrived');
  });
});

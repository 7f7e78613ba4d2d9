import { describe, expect, it } from 'vitest';
import { calibration } from '../src/index.ts';

describe('calibration', () => {
  it('sorts examples into bins by confidence', () => {
    // Bins of width 0.2: two examples at 0.6 (in (0.4, 0.6]), one right; two at 0.9 and 1, both right.
    const probabilities = [0.6, 0.4, 0.4, 0.6, 0.9, 0.1, 0, 1];
    const found = calibration(probabilities, [0, 0, 0, 1], { bins: 5 });
    expect(found.bins).toEqual([
      { confidence: 0.6, accuracy: 0.5, count: 2 },
      { confidence: 0.95, accuracy: 1, count: 2 },
    ]);
    expect(found.expectedError).toBeCloseTo((2 * 0.1 + 2 * 0.05) / 4, 12);
    expect(found.accuracy).toBe(0.75);
    expect(found.confidence).toBeCloseTo(0.775, 12);
  });

  it('is 0 for a classifier that is as often right as it says', () => {
    const probabilities = Array.from({ length: 10 }, () => [0.8, 0.2]).flat();
    const labels = Array.from({ length: 10 }, (_, index) => (index < 8 ? 0 : 1));
    expect(calibration(probabilities, labels).expectedError).toBeCloseTo(0, 12);
  });

  it('refuses what does not fit', () => {
    expect(() => calibration([], [])).toThrow('0 probabilities arrived for 0 labels');
    expect(() => calibration([1, 0, 1], [0, 1])).toThrow('3 probabilities arrived for 2 labels');
    expect(() => calibration([1, 0], [0], { bins: 0 })).toThrow('0 bins were asked for');
  });
});

import { describe, expect, it } from 'vitest';
import { symbolicSize, writtenSize } from '../../src/export/symbolic-size.ts';

describe('symbolicSize', () => {
  it('finds lines with whole coefficients, and nothing else', () => {
    const samples = [53, 59, 61];
    expect(symbolicSize([4, 4, 4], samples)).toEqual({ factor: 0, offset: 4 });
    expect(symbolicSize(samples, samples)).toEqual({ factor: 1, offset: 0 });
    expect(symbolicSize([107, 119, 123], samples)).toEqual({ factor: 2, offset: 1 });
    expect(symbolicSize([53 * 53, 59 * 59, 61 * 61], samples)).toBeUndefined();
    expect(symbolicSize([26, 29, 30], samples)).toBeUndefined();
    expect(symbolicSize([1], [1])).toEqual({ factor: 0, offset: 1 });
  });

  it('writes dimensions', () => {
    expect(writtenSize({ factor: 0, offset: 4 }, 'batch')).toBe(4);
    expect(writtenSize({ factor: 1, offset: 0 }, 'batch')).toBe('batch');
    expect(writtenSize({ factor: 3, offset: -1 }, 'batch')).toBe('3*batch-1');
  });
});

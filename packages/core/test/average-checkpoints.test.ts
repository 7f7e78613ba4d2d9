import { describe, expect, it } from 'vitest';
import { type TensorData, averageCheckpoints } from '../src/index.ts';

const floats = (...values: number[]): TensorData => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

describe('averageCheckpoints', () => {
  it('is the mean of each weight', () => {
    const counter: TensorData = { dtype: 'int32', shape: [1], data: Int32Array.of(4) };
    const records = [1, 2, 6].map((value) => ({ 'a.weight': floats(value, -value), b: floats(0.1 * value), counter }));
    const average = averageCheckpoints(records);
    expect(average['a.weight']).toEqual(floats(3, -3));
    expect((average['b']!.data as Float32Array)[0]).toBeCloseTo(0.3);
    expect(average['counter']).toEqual(counter);
    expect(average['counter']!.data).not.toBe(counter.data);
    expect(records[0]!['a.weight']).toEqual(floats(1, -1));
  });
  it('does not lose small weights among many checkpoints', () => {
    const records = Array.from({ length: 1000 }, (_, index) => ({ w: floats(index === 0 ? 1e8 : 1) }));
    expect((averageCheckpoints(records)['w']!.data as Float32Array)[0]).toBe(Math.fround((1e8 + 999) / 1000));
  });
  it('refuses weights of different models', () => {
    expect(() => averageCheckpoints([])).toThrow('no weights arrived');
    expect(() => averageCheckpoints([{ a: floats(1) }, { a: floats(1) }, { a: floats(1, 2), b: floats(1) }])).toThrow(
      'checkpoints 0 and 2 are not of the same model: a is float32 [1] and float32 [2]; b is missing and float32 [1].',
    );
    const step = (value: number): TensorData => ({ dtype: 'int32', shape: [1], data: Int32Array.of(value) });
    expect(() => averageCheckpoints([{ step: step(1) }, { step: step(2) }])).toThrow(
      'step is of type int32 and differs between checkpoints 0 and 1',
    );
  });
});

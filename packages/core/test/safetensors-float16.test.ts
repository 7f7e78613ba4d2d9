import { describe, expect, it } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type TensorData,
  widenToFloat32,
} from '../src/safetensors.ts';

const everyHalf = Uint16Array.from({ length: 65536 }, (_, index) => index);

/** Where two arrays differ; much faster over 65,536 numbers than the test runner's own comparison. */
function differences(actual: ArrayLike<number>, expected: ArrayLike<number>): number[] {
  const places = actual.length === expected.length ? [] : [-1];
  for (let index = 0; index < expected.length; index += 1) if (actual[index] !== expected[index]) places.push(index);
  return places;
}

/** The value of a float16 by its definition. */
function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function rounded(values: Float32Array, dtype: 'float16' | 'bfloat16'): Uint16Array {
  const tensor: TensorData = { dtype: 'float32', shape: [values.length], data: values };
  const { tensors } = decodeSafetensors(encodeSafetensors({ tensor }, { dtype }));
  expect(tensors['tensor']?.dtype).toBe(dtype);
  return tensors['tensor']?.data as Uint16Array;
}

describe('half precision', () => {
  it('widens all 65,536 float16 numbers to the values of their definition', () => {
    const wide = widenToFloat32({ dtype: 'float16', shape: [65536], data: everyHalf });
    const wrong = [...everyHalf].filter((half) => !Object.is(wide[half], float16Value(half)));
    expect(wrong).toEqual([]);
  });

  it('widens bfloat16 to the float32 whose upper half it is', () => {
    const wide = widenToFloat32({ dtype: 'bfloat16', shape: [65536], data: everyHalf });
    const expected = Uint32Array.from(everyHalf, (half) => half * 65536);
    expect(differences(new Uint32Array(wide.buffer), expected)).toEqual([]);
  });

  it.each(['float16', 'bfloat16'] as const)('rounds every %s number to itself, NaN payloads included', (dtype) => {
    const wide = widenToFloat32({ dtype, shape: [65536], data: everyHalf });
    expect(differences(rounded(wide, dtype), everyHalf)).toEqual([]);
  });

  it.each(['float16', 'bfloat16'] as const)('rounds between neighbours of %s to the nearest, ties to even', (dtype) => {
    // All finite positive numbers and the midpoints between them, nudged down and up by one float32.
    const last = dtype === 'float16' ? 0x7bff : 0x7f7f;
    const wide = widenToFloat32({ dtype, shape: [last + 1], data: everyHalf.slice(0, last + 1) });
    const values = new Float32Array(last * 3);
    const bits = new Uint32Array(values.buffer);
    const expected = new Uint16Array(last * 3);
    for (let half = 0; half < last; half += 1) {
      values[3 * half] = (wide[half]! + wide[half + 1]!) / 2;
      bits[3 * half + 1] = bits[3 * half]! - 1;
      bits[3 * half + 2] = bits[3 * half]! + 1;
      expected.set([half + (half % 2), half, half + 1], 3 * half);
    }
    expect(differences(rounded(values, dtype), expected)).toEqual([]);
    const negative = values.map((value) => -value);
    const mirrored = expected.map((half) => half | 0x8000);
    expect(differences(rounded(negative, dtype), mirrored)).toEqual([]);
  });

  it('keeps a NaN whose payload is lost a NaN', () => {
    const values = new Float32Array(new Uint32Array([0x7f800001, 0xff800001]).buffer);
    expect([...rounded(values, 'float16')]).toEqual([0x7e00, 0xfe00]);
    expect([...rounded(values, 'bfloat16')]).toEqual([0x7fc0, 0xffc0]);
  });

  it('refuses finite values beyond the largest, and keeps infinities', () => {
    expect([...rounded(new Float32Array([65519, -Infinity]), 'float16')]).toEqual([0x7bff, 0xfc00]);
    const weight: TensorData = { dtype: 'float32', shape: [2], data: new Float32Array([1, 65520]) };
    expect(() => encodeSafetensors({ weight }, { dtype: 'float16' })).toThrow(
      'encodeSafetensors: tensor "weight" holds 65520 at index 1, beyond the largest float16; ' +
        'save it as float32 or bfloat16, or find out why it grew so large.',
    );
    const huge: TensorData = { dtype: 'float32', shape: [1], data: new Float32Array([-3.4028234e38]) };
    expect(() => encodeSafetensors({ huge }, { dtype: 'bfloat16' })).toThrow(
      'beyond the largest bfloat16; save it as float32,',
    );
  });

  it('rounds only float32, halves the file, and widens only floating-point numbers', () => {
    const weight: TensorData = { dtype: 'float32', shape: [1000], data: new Float32Array(1000).fill(0.1) };
    const step: TensorData = { dtype: 'int32', shape: [1], data: new Int32Array([70000]) };
    const small = encodeSafetensors({ weight, step }, { dtype: 'float16' });
    expect(encodeSafetensors({ weight, step }).byteLength - small.byteLength).toBe(2000);
    expect(decodeSafetensors(small).tensors['step']).toEqual(step);
    expect(widenToFloat32(weight)).toBe(weight.data);
    expect(widenToFloat32({ dtype: 'float64', shape: [1], data: new Float64Array([0.1]) })).toEqual(
      new Float32Array([0.1]),
    );
    expect(() => widenToFloat32(step)).toThrow(SafetensorsError);
    expect(() => widenToFloat32(step)).toThrow('widenToFloat32: a tensor of int32 arrived; only floating-point');
  });
});

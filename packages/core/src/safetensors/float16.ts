/**
 * Half-precision numbers, converted bit by bit: through ordinary JavaScript numbers a NaN would lose its payload.
 *   float16  = sign 1 · exponent 5 (bias 15) · fraction 10      bfloat16 = the upper 16 bits of a float32
 */
import { quoted, SafetensorsError, type TensorData } from './format.ts';

/** Half-precision types that float32 tensors can be rounded to. */
export type HalfPrecision = 'float16' | 'bfloat16';

/**
 * The values of a floating-point tensor as float32. Exact for float16 and bfloat16 (every one of them is a float32) and
 * for float32 itself, whose array is returned as it is; float64 is rounded to the nearest float32.
 *
 * @throws {SafetensorsError} for integers and booleans: read their `data` instead
 */
export function widenToFloat32(tensor: TensorData): Float32Array {
  if (tensor.dtype === 'float32') return tensor.data;
  if (tensor.dtype === 'float64') return Float32Array.from(tensor.data);
  if (tensor.dtype !== 'float16' && tensor.dtype !== 'bfloat16') {
    throw new SafetensorsError(
      `widenToFloat32: a tensor of ${tensor.dtype} arrived; only floating-point tensors widen, read the values from its data.`,
    );
  }
  const values = new Float32Array(tensor.data.length);
  const bits = new Uint32Array(values.buffer);
  const widen = tensor.dtype === 'float16' ? bitsOfFloat16 : (half: number): number => half << 16;
  for (let index = 0; index < bits.length; index += 1) bits[index] = widen(tensor.data[index] ?? 0);
  return values;
}

/**
 * Float32 values rounded to the nearest half-precision number (ties to even), as raw bits.
 *
 * @param name the tensor's name, for the message
 * @throws {SafetensorsError} when a finite value is beyond the type's largest number
 */
export function roundFloat32(name: string, values: Float32Array, dtype: HalfPrecision): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  const round = dtype === 'float16' ? roundToFloat16 : roundToBfloat16;
  const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80;
  for (let index = 0; index < bits.length; index += 1) {
    const source = bits[index] ?? 0;
    const half = round(source);
    if ((half & 0x7fff) === infinity && (source & 0x7fffffff) !== 0x7f800000) {
      throw new SafetensorsError(
        `encodeSafetensors: tensor ${quoted(name)} holds ${values[index]} at index ${index}, beyond the largest ${dtype}; ` +
          `save it as float32${dtype === 'float16' ? ' or bfloat16' : ''}, or find out why it grew so large.`,
      );
    }
    halves[index] = half;
  }
  return halves;
}

function bitsOfFloat16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal, fraction · 2⁻²⁴: the highest bit becomes the implicit one of a normal float32.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function roundToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // A NaN whose payload lies only in the lost bits must not turn into infinity.
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // from 65520 on, halfway beyond the largest, 65504
  if (magnitude < 0x33000000) return sign; // below 2⁻²⁵, half of the smallest
  if (magnitude >= 0x38800000) return sign | shiftRounded(magnitude - (112 << 23), 13);
  return sign | shiftRounded((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23));
}

function roundToBfloat16(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (bits >>> 16) | (magnitude >>> 16 === 0x7f80 ? 0x40 : 0);
  return ((bits >>> 16) & 0x8000) | shiftRounded(magnitude, 16);
}

/** value / 2^shift, rounded to the nearest, ties to even; value < 2³¹. */
function shiftRounded(value: number, shift: number): number {
  return (value + ((1 << (shift - 1)) - 1) + ((value >>> shift) & 1)) >>> shift;
}

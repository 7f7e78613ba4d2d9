/** Weights that a formula gives; the same as in the fixtures/generate_torchvision.py of alexnet and resnet. */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { TensorData } from '@milestones/core';

/** Numbers from [0, 1) by the finalizer of MurmurHash3, over crc32(name) + position. */
function uniform(name: string, count: number): Float64Array {
  const start = crc32(Buffer.from(name));
  const numbers = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    let hash = (start + index) | 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    numbers[index] = ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
  }
  return numbers;
}

/**
 * The weights of one tensor under torchvision's name, in torchvision's layout.
 *
 * @param gain weights of layers lie within ± √(gain / inputs)
 */
export function formulaTensor(name: string, shape: number[], gain: number): TensorData {
  const count = shape.reduce((product, size) => product * size, 1);
  const scale = Math.sqrt(gain / shape.slice(1).reduce((product, size) => product * size, 1));
  const valueOf = (u: number): number => {
    if (shape.length > 1) return (2 * u - 1) * scale;
    if (name.endsWith('running_var')) return 0.75 + u;
    if (name.endsWith('weight')) return 0.25 + 0.5 * u;
    return (2 * u - 1) * 0.1;
  };
  const numbers = uniform(name, count);
  const data = new Float32Array(count); // Tens of millions: Float32Array.from takes seconds for them.
  for (let index = 0; index < count; index++) data[index] = valueOf(numbers[index]!);
  return { dtype: 'float32', shape, data };
}

/** An image [1, size, size, 3], already normalised. */
export function formulaImage(size: number): TensorData {
  const data = Float32Array.from(uniform('image', size * size * 3), (u) => 4 * u - 2);
  return { dtype: 'float32', shape: [1, size, size, 3], data };
}

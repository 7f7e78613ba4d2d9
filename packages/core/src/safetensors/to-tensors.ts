import { tf } from '@milestones/backend';
import { widenToFloat32 } from './float16.ts';
import { checkTensorData, quoted, SafetensorsError, type TensorData } from './format.ts';

/**
 * Makes tensors on the current engine; they belong to the caller, and the arrays are copied.
 *
 * tfjs has three types of numbers: every floating-point type becomes float32 (float64 is rounded), every integer type
 * int32, and bool stays bool.
 *
 * @throws {SafetensorsError} when an integer does not fit int32, or type, shape and values do not belong together; no
 * tensor is left behind
 */
export function dataToTensors(record: Record<string, TensorData>): Record<string, tf.Tensor> {
  const checked = Object.entries(record).map(([name, data]): [string, () => tf.Tensor] => {
    checkTensorData('dataToTensors', name, data);
    return [name, tensorMaker(name, data)];
  });
  const tensors: Record<string, tf.Tensor> = Object.create(null);
  for (const [name, make] of checked) tensors[name] = make();
  return tensors;
}

/** Checks now, allocates later: a bad value in the last tensor must not leak the first. */
function tensorMaker(name: string, tensor: TensorData): () => tf.Tensor {
  const { shape } = tensor;
  switch (tensor.dtype) {
    case 'float32':
    case 'float64':
    case 'float16':
    case 'bfloat16':
      // new Float32Array(Float32Array) copies bytes: a NaN keeps its payload.
      return () => tf.tensor(new Float32Array(widenToFloat32(tensor)), shape, 'float32');
    case 'bool':
      return () => tf.tensor(new Uint8Array(tensor.data), shape, 'bool');
    case 'int64':
    case 'uint64':
    case 'uint32': {
      const values: ArrayLike<number | bigint> = tensor.data;
      for (let index = 0; index < values.length; index += 1) {
        const value = values[index] ?? 0;
        if (value < -(2 ** 31) || value >= 2 ** 31) {
          throw new SafetensorsError(
            `dataToTensors: tensor ${quoted(name)} of ${tensor.dtype} holds ${value} at index ${index}; ` +
              'tfjs has integers from -2147483648 to 2147483647, use the data without making a tensor.',
          );
        }
      }
      return () => tf.tensor(Int32Array.from(values as ArrayLike<number>, Number), shape, 'int32');
    }
    default:
      return () => tf.tensor(Int32Array.from(tensor.data), shape, 'int32');
  }
}

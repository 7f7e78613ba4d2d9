import type { tf } from '@milestones/backend';
import { quoted, SafetensorsError, type TensorData } from './format.ts';

/**
 * Copies tensors out of the engine. All reads start before the first is awaited, so that an eager training step cannot
 * change half of them in between; the tensors stay the caller's.
 *
 * @returns one copy per tensor, under the same name: float32 and int32 as they are, booleans as bytes
 * @throws {SafetensorsError} for a disposed tensor, a text tensor or a complex one
 */
export async function tensorsToData(tensors: Record<string, tf.Tensor>): Promise<Record<string, TensorData>> {
  const entries = await Promise.all(
    Object.entries(tensors).map(async ([name, tensor]): Promise<[string, TensorData]> => {
      if (tensor.isDisposed) {
        throw new SafetensorsError(
          `tensorsToData: tensor ${quoted(name)} was disposed; save before disposing, or keep it with tf.keep.`,
        );
      }
      const { dtype, shape } = tensor;
      // A copy: engines may hand out the memory that the next step overwrites.
      if (dtype === 'float32')
        return [name, { dtype, shape: [...shape], data: new Float32Array(await tensor.data<'float32'>()) }];
      if (dtype === 'int32')
        return [name, { dtype, shape: [...shape], data: new Int32Array(await tensor.data<'int32'>()) }];
      if (dtype === 'bool')
        return [name, { dtype, shape: [...shape], data: new Uint8Array(await tensor.data<'bool'>()) }];
      throw new SafetensorsError(
        `tensorsToData: tensor ${quoted(name)} is of ${dtype}; only float32, int32 and bool can be saved, ` +
          'cast it or keep it elsewhere.',
      );
    }),
  );
  const record: Record<string, TensorData> = Object.create(null);
  for (const [name, data] of entries) record[name] = data;
  return record;
}

import { valueCopier } from './engines/onnx.ts';
import type { tf } from './tf.ts';

/**
 * Reads a tensor into an array that is there already. For what is read again and again, such as the weights of a network
 * that acts on the host between two updates: `tensor.data()` makes a new array each time, which keeps the collector of
 * garbage busy.
 *
 * @param tensor of type float32 or int32
 * @param into as many numbers, of the same type
 * @throws TypeError if type or size differ
 */
export async function copyValues(tensor: tf.Tensor, into: Float32Array | Int32Array): Promise<void> {
  const { dtype, shape, size } = tensor;
  const given = into instanceof Float32Array ? 'float32' : 'int32';
  if (dtype !== given || into.length !== size) {
    throw new TypeError(
      `copyValues: an array of ${into.length} × ${given} arrived for a tensor of type ${dtype} and shape ` +
        `[${shape.join(', ')}]; give a ${dtype === 'int32' ? 'Int32Array' : 'Float32Array'} of ${size}.`,
    );
  }
  const copy = valueCopier();
  if (copy?.(tensor, into) !== true) into.set((await tensor.data()) as Float32Array | Int32Array);
}

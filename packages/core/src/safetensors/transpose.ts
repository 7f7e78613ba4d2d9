import { checkTensorData, formats, type TensorData } from './format.ts';

/**
 * The same tensor with its axes in another order, on the host: axis i of the result is axis `permutation[i]` of `tensor`.
 * For weights that were saved in another framework's layout, such as a convolution's [out, in, height, width] →
 * [height, width, in, out] by `[2, 3, 1, 0]`.
 *
 * @throws {SafetensorsError} when type, shape and values do not belong together; an Error when `permutation` is none
 */
export function transposeTensorData<Data extends TensorData>(tensor: Data, permutation: readonly number[]): Data {
  checkTensorData('transposeTensorData', 'tensor', tensor);
  const rank = tensor.shape.length;
  if (permutation.length !== rank || permutation.toSorted((a, b) => a - b).some((axis, index) => axis !== index)) {
    throw new Error(
      `transposeTensorData: the permutation [${permutation.join(', ')}] arrived for a tensor of shape ` +
        `[${tensor.shape.join(', ')}]; give each of its ${rank} axes once.`,
    );
  }
  const shape = permutation.map((axis) => tensor.shape[axis]!);
  const strides = tensor.shape.map((_, axis) =>
    tensor.shape.slice(axis + 1).reduce((product, size) => product * size, 1),
  );
  const steps = permutation.map((axis) => strides[axis]!);
  const source: ArrayLike<number | bigint> = tensor.data;
  const data = new formats[tensor.dtype].array(source.length);
  const position = new Int32Array(rank);
  let from = 0;
  for (let to = 0; to < source.length; to++) {
    data[to] = source[from]!;
    // The position in the result counts up like an odometer; `from` follows it.
    for (let axis = rank - 1; axis >= 0; axis--) {
      position[axis]!++;
      from += steps[axis]!;
      if (position[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      position[axis] = 0;
    }
  }
  return { dtype: tensor.dtype, shape, data } as unknown as Data;
}

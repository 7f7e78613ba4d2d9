import { tf } from '@milestones/backend';

/** A tensor as JSON: what fixtures are made of. `dtype` is float32 when absent. */
export interface PackedTensor {
  dtype?: 'float32' | 'int32';
  shape: number[];
  values: number[];
}

/** Makes the tensor that `packed` describes; it belongs to the caller. */
export function unpack(packed: PackedTensor): tf.Tensor {
  return tf.tensor(packed.values, packed.shape, packed.dtype ?? 'float32');
}

/** What can be compared: tensors, packed tensors, or plain numbers, for which no shape is checked. */
export type Comparable = tf.Tensor | PackedTensor | ArrayLike<number> | number;

/**
 * Throws unless every |actual − expected| is at most `tolerance · max(1, |expected|)`. NaN is close to nothing, an
 * infinity only to itself. Shapes must agree where both sides have one.
 *
 * It reads tensors synchronously, which every engine but webgpu in Node allows.
 *
 * @param tolerance default 1e-5
 * @param what named in the message
 */
export function expectClose(actual: Comparable, expected: Comparable, tolerance = 1e-5, what = 'the result'): void {
  const [shape, values] = valuesOf(actual);
  const [wantedShape, wanted] = valuesOf(expected);
  if (shape !== undefined && wantedShape !== undefined && shape.join() !== wantedShape.join()) {
    throw new Error(
      `expectClose: ${what} has the shape [${shape.join(', ')}] and should have [${wantedShape.join(', ')}].`,
    );
  }
  if (values.length !== wanted.length) {
    throw new Error(`expectClose: ${what} has ${values.length} values and should have ${wanted.length}.`);
  }
  let worst = -1;
  let worstError = 0;
  let count = 0;
  for (let index = 0; index < wanted.length; index += 1) {
    const got = values[index] as number;
    const want = wanted[index] as number;
    if (Object.is(got, want) || got === want) continue;
    const error = Math.abs(got - want) / Math.max(1, Math.abs(want));
    if (error <= tolerance) continue; // NaN fails this comparison and is counted.
    count += 1;
    if (worst < 0 || Number.isNaN(error) || error > worstError) {
      worst = index;
      worstError = error;
    }
  }
  if (worst >= 0) {
    throw new Error(
      `expectClose: ${what} differs in ${count} of ${wanted.length} values; the worst, at flat index ${worst}, is ` +
        `${values[worst]} and should be ${wanted[worst]} (error ${worstError.toExponential(2)}, allowed ${tolerance}).`,
    );
  }
}

function valuesOf(comparable: Comparable): [readonly number[] | undefined, ArrayLike<number>] {
  if (typeof comparable === 'number') return [[], [comparable]];
  if (comparable instanceof tf.Tensor) return [comparable.shape, comparable.dataSync()];
  if ('values' in comparable && 'shape' in comparable) return [comparable.shape, comparable.values];
  return [undefined, comparable as ArrayLike<number>];
}

/** tfjs's tensors as arrays of the types that graphs know. */
import type { GraphArray } from './value.ts';

const constructors = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** The types of tfjs that graphs know. */
export type TensorDtype = keyof typeof constructors;

/** Whether graphs know this type of tfjs. */
export function isTensorDtype(dtype: string): dtype is TensorDtype {
  return dtype in constructors;
}

/**
 * The values of a tensor in the array that its type asks for. They may be in another: tfjs's cpu engine casts from int32
 * to float32 by saying so, and keeps the array.
 */
export function tensorArray(values: unknown, dtype: TensorDtype): GraphArray {
  const constructor = constructors[dtype];
  return values instanceof constructor ? values : constructor.from(values as ArrayLike<number>);
}

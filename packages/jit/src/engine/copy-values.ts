import * as tf from '@tensorflow/tfjs';
import { isTensorDtype } from '../graph/tensor-array.ts';
import type { GraphArray } from '../graph/value.ts';
import { ONNX_BACKEND, registeredEngine } from './register.ts';

/**
 * Copies the values of a tensor into an array of its type and size: from the session of a compiled step directly, where a
 * variable was left there. `data()` makes a new array each time, and to read a network's weights after each update so keeps
 * the collector of garbage busy.
 *
 * @returns false, with nothing copied, where the engine `onnx` is not the active one
 */
export function copyValues(tensor: tf.Tensor, into: GraphArray): boolean {
  if (tf.getBackend() !== ONNX_BACKEND || !isTensorDtype(tensor.dtype)) return false;
  registeredEngine().backend.dataOf(tensor.dataId).copyTo(into, tensor.dtype);
  return true;
}

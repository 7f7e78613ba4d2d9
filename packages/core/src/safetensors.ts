/**
 * Safetensors: weights in a file that holds nothing but numbers. Pure functions between tensors and bytes, for Node and
 * browser; `@milestones/core/node` saves and loads files.
 *
 * `tf.Tensor` → tensorsToData() → TensorData → encodeSafetensors() → bytes → decodeSafetensors() → dataToTensors()
 */
export { decodeSafetensors, type DecodedSafetensors } from './safetensors/decode.ts';
export { encodeSafetensors, type EncodeOptions } from './safetensors/encode.ts';
export { type HalfPrecision, widenToFloat32 } from './safetensors/float16.ts';
export { SafetensorsError, type TensorArrays, type TensorData, type TensorDtype } from './safetensors/format.ts';
export { tensorsToData } from './safetensors/from-tensors.ts';
export { exportTensors, importTensors, type TensorPlace } from './safetensors/import-tensors.ts';
export { dataToTensors } from './safetensors/to-tensors.ts';
export { transposeTensorData } from './safetensors/transpose.ts';

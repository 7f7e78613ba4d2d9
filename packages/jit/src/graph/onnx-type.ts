import type { GraphDtype } from './value.ts';

/** ONNX's number of each element type (`TensorProto.DataType`). */
export const onnxTypes: Readonly<Record<GraphDtype, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  uint32: 12,
};

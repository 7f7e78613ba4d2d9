/**
 * The tfjs backend behind the engine `onnx`. It is tfjs's cpu backend with other kernels: data are ordinary arrays, so that
 * whatever the kernel table lacks runs on the cpu kernels without a copy. What is new is that a variable's values may be in
 * the session of a compiled step (see {@link TensorData}).
 */
import * as tf from '@tensorflow/tfjs';
import type { OnnxEngine } from './register.ts';
import { TensorData } from './tensor-data.ts';

/** tfjs's cpu backend, as far as it is used here; its package has no place in the union package's exports. */
interface CpuBackend extends tf.KernelBackend {
  data: tf.DataStorage<TensorData>;
}

function cpuBackendClass(): new () => CpuBackend {
  const sample = tf.findBackendFactory('cpu')!() as CpuBackend;
  return sample.constructor as new () => CpuBackend;
}

/** See the file's head. */
export class OnnxBackend extends cpuBackendClass() {
  /** The engine that this is the backend of, for another copy of this package in the same program. */
  engine: OnnxEngine | undefined;

  /** The record behind a data id; data of another engine are fetched from it. */
  dataOf(dataId: object): TensorData {
    return this.data.get(dataId);
  }

  override write(values: tf.backend_util.BackendValues, _shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.data.set(dataId, new TensorData(values, dtype, 1));
    return dataId;
  }

  override move(
    dataId: object,
    values: tf.backend_util.BackendValues,
    _shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.data.set(dataId, new TensorData(values, dtype, refCount));
  }

  /** Data with several owners are not a variable's alone, and a compiled step must not move them away. */
  override incRef(dataId: object): void {
    const data = this.data.get(dataId);
    data.settle();
    data.refCount += 1;
  }
}

/**
 * Kernels that tfjs 4.22 has for the cpu engine but not for WASM (the complex numbers and Fourier transforms, ragged tensors, drawing, string replacement), and those that WASM computes wrongly and nobody needs fast: both gradients
 * of three-dimensional convolution, MaxPool3D where a window holds only negative numbers, and MaxPool3DGrad with more than
 * one channel. They run on a private cpu engine: inputs are copied out of the heap, results back into it.
 *
 * Complex tensors live in the heap as interleaved pairs (real, imaginary), which is also how tfjs reads them out.
 */
import { tf } from '../../tf.ts';
import { allocate, floats, replaceKernel, sizeOf, view } from './heap.ts';
import type { Attributes, Inputs, TensorInfo, WasmBackend, WasmKernel } from './heap.ts';

type Values = Float32Array | Int32Array | Uint8Array | Uint8Array[];

/** The tfjs cpu backend, as far as it is used here. */
interface ReferenceBackend {
  write(values: Values, shape: number[], dtype: tf.DataType): object;
  readSync(dataId: object): Values;
  disposeData(dataId: object): boolean;
}

let reference: ReferenceBackend | undefined;

function referenceBackend(): ReferenceBackend {
  // A fresh instance from tfjs's factory: the engine's own cpu backend need not exist, and none of its data mixes with ours.
  reference ??= tf.findBackendFactory('cpu')() as unknown as ReferenceBackend;
  return reference;
}

function runReference(name: string, inputs: Inputs, attributes: Attributes): TensorInfo | TensorInfo[] {
  return tf.getKernel(name, 'cpu').kernelFunc({
    inputs: inputs as tf.NamedTensorInfoMap,
    attrs: attributes as unknown as tf.NamedAttrMap,
    backend: referenceBackend() as never,
  });
}

function toReference(backend: WasmBackend, info: TensorInfo): TensorInfo {
  const cpu = referenceBackend();
  const { shape, dtype } = info;
  if (dtype === 'string')
    return { dataId: cpu.write(backend.readSync(info.dataId) as Uint8Array[], shape, dtype), shape, dtype };
  if (dtype !== 'complex64') return { dataId: cpu.write(view(backend, info).slice(), shape, dtype), shape, dtype };
  const pairs = floats(backend, { ...info, shape: [2 * sizeOf(shape)], dtype: 'float32' });
  const part = (offset: number): TensorInfo => {
    const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => pairs[2 * i + offset]!);
    return { dataId: cpu.write(values, shape, 'float32'), shape, dtype: 'float32' };
  };
  const [real, imag] = [part(0), part(1)];
  const joined = runReference('Complex', { real, imag }, {}) as TensorInfo;
  for (const each of [real, imag]) cpu.disposeData(each.dataId);
  return joined;
}

function fromReference(backend: WasmBackend, info: TensorInfo): TensorInfo {
  const values = referenceBackend().readSync(info.dataId);
  const { shape, dtype } = info;
  if (dtype === 'string') return { dataId: backend.write(values, shape, dtype), shape, dtype };
  const result = allocate(backend, shape, dtype);
  if (dtype === 'complex64') {
    floats(backend, { ...result, shape: [2 * sizeOf(shape)], dtype: 'float32' }).set(values as Float32Array);
  } else view(backend, result).set(values as Float32Array);
  return result;
}

/** The cpu engine's kernel of this name, as a kernel of the WASM backend. */
export function onReference(name: string): WasmKernel {
  return (inputs, attributes, backend) => {
    const cpu = referenceBackend();
    // Some kernels (AddN) take a list of tensors in place of named ones, and want a list here too.
    const isList = Array.isArray(inputs);
    const given = Object.entries(inputs)
      .filter(([, info]) => info)
      .map(([key, info]) => [key, toReference(backend, info)] as const);
    const operands = given.map(([, operand]) => operand);
    const made = runReference(name, (isList ? operands : Object.fromEntries(given)) as Inputs, attributes);
    const results = Array.isArray(made) ? made : [made];
    const copies = results.map((result) => fromReference(backend, result));
    for (const { dataId } of [...operands, ...results]) cpu.disposeData(dataId);
    return (Array.isArray(made) ? copies : copies[0]!) as TensorInfo;
  };
}

/** Backends whose reader already knows complex data. */
const readers = new WeakSet<WasmBackend>();

/** Teaches a backend to read complex data: the stock reader throws on it. */
function readComplex(backend: WasmBackend): void {
  if (readers.has(backend)) return;
  readers.add(backend);
  const stock = backend.readSync.bind(backend);
  backend.readSync = (dataId, start, end) => {
    const entry = backend.dataIdMap.get(dataId);
    if (entry.dtype !== 'complex64') return stock(dataId, start, end);
    return new Float32Array(backend.wasm.HEAPU8.buffer, entry.memoryOffset, 2 * sizeOf(entry.shape)).slice();
  };
}

const wrongOnWasm = ['Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2', 'MaxPool3D', 'MaxPool3DGrad'];

/** Adds every kernel that the cpu engine has and the WASM backend lacks. Call it last. */
export function installFallbacks(): void {
  for (const name of wrongOnWasm) replaceKernel(name, onReference(name));
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (tf.getKernel(kernelName, 'wasm')) continue;
    const kernel = onReference(kernelName);
    replaceKernel(kernelName, (inputs, attributes, backend) => {
      readComplex(backend);
      return kernel(inputs, attributes, backend);
    });
  }
}

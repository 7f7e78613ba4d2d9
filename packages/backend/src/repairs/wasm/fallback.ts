/**
 * Kernels that tfjs 4.22 has for the cpu engine but not for WASM (the complex numbers and Fourier transforms, ragged tensors, drawing, string replacement), and those that WASM computes wrongly and nobody needs fast: both gradients
 * of three-dimensional convolution, MaxPool3D where a window holds only negative numbers, and MaxPool3DGrad with more than
 * one channel, Bincount of a matrix; and single cases of otherwise sound kernels ({@link isAwkward}). They run on a private cpu engine: inputs are copied out of the heap, results back into it.
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
    const operands: TensorInfo[] = [];
    const copy = (info: TensorInfo): TensorInfo => {
      const operand = toReference(backend, info);
      operands.push(operand);
      return operand;
    };
    // Of the ragged kernels, one named input is itself a list.
    const given = Object.entries(inputs as Record<string, TensorInfo | TensorInfo[] | undefined>)
      .filter(([, info]) => info)
      .map(([key, info]) => [key, Array.isArray(info) ? info.map(copy) : copy(info!)] as const);
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

/** Kernels that only hand their input's data on, whatever its type. */
const typeless = new Set(['Identity', 'Reshape', 'ExpandDims', 'Complex', 'Real', 'Imag']);

interface AwkwardAttributes extends Attributes {
  dtype?: tf.DataType;
  value?: unknown;
  dataFormat?: string;
  dimRoundingMode?: string;
  filterSize?: number | number[];
  pad?: string | number | number[][];
}

/**
 * True for calls that the WASM kernels refuse, abort on, or answer with whatever lies in the heap: strings and complex
 * numbers; convolution with channels first, or with a bias that is not a vector; pooling with windows that can lie
 * in the padding as a whole.
 */
function isAwkward(name: string, inputs: Inputs, given: AwkwardAttributes): boolean {
  const { dtype, value, dataFormat, dimRoundingMode, filterSize, pad } = given;
  if (dtype === 'string' || dtype === 'complex64' || typeof value === 'string') return true;
  for (const info of Object.values(inputs)) if (info?.dtype === 'string' || info?.dtype === 'complex64') return true;
  if (name.startsWith('Fused')) {
    const { bias } = inputs;
    return dataFormat === 'NCHW' || (bias !== undefined && bias.shape.length !== 1);
  }
  if (name.startsWith('Conv2D')) return dataFormat === 'NCHW';
  if (name !== 'MaxPool' && name !== 'AvgPool') return false;
  if (dimRoundingMode !== undefined) return true;
  if (filterSize === undefined || pad === undefined || typeof pad === 'string') return false;
  return Math.min(...[filterSize].flat()) <= Math.max(...[pad].flat(2));
}

/** Sends the awkward calls of a WASM kernel to the cpu engine's. */
function guard(name: string): void {
  const onCpu = onReference(name);
  const stock: WasmKernel | undefined = replaceKernel(name, (inputs, attributes, backend) => {
    if (!isAwkward(name, inputs, attributes)) return stock!(inputs, attributes, backend);
    readComplex(backend);
    return onCpu(inputs, attributes, backend);
  });
}

/** x → bool is x ≠ 0; the stock kernel copies the low byte of numbers. */
function installCastToBool(): void {
  const stock: WasmKernel | undefined = replaceKernel('Cast', (inputs, attributes, backend) => {
    const x = inputs['x']!;
    if (attributes['dtype'] !== 'bool' || x.dtype === 'bool') return stock!(inputs, attributes, backend);
    const result = allocate(backend, x.shape, 'bool');
    const from = view(backend, x);
    const to = view(backend, result);
    for (let i = 0; i < from.length; i++) to[i] = from[i] === 0 ? 0 : 1;
    return result;
  });
}

/** The stock kernel turns NaN into the lower bound. */
function installClip(): void {
  replaceKernel<{ clipValueMin: number; clipValueMax: number }>(
    'ClipByValue',
    ({ x }, { clipValueMin, clipValueMax }, backend) => {
      const result = allocate(backend, x!.shape, x!.dtype);
      const from = view(backend, x!);
      const to = view(backend, result);
      for (let i = 0; i < from.length; i++) {
        const value = from[i]!;
        to[i] = value < clipValueMin ? clipValueMin : value > clipValueMax ? clipValueMax : value;
      }
      return result;
    },
  );
}

const wrongOnWasm = ['Bincount', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2', 'MaxPool3D', 'MaxPool3DGrad'];

/** Adds every kernel, and every case of a kernel, that the cpu engine has and the WASM backend lacks. Call it last. */
export function installFallbacks(): void {
  for (const name of wrongOnWasm) replaceKernel(name, onReference(name));
  installCastToBool();
  installClip();
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (tf.getKernel(kernelName, 'wasm')) {
      if (!typeless.has(kernelName) && !wrongOnWasm.includes(kernelName)) guard(kernelName);
      continue;
    }
    const kernel = onReference(kernelName);
    replaceKernel(kernelName, (inputs, attributes, backend) => {
      readComplex(backend);
      return kernel(inputs, attributes, backend);
    });
  }
}

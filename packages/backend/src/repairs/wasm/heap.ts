/**
 * The part of the tfjs WASM backend that the repairs stand on: its heap, its tensor registry and its kernel table.
 *
 * A tensor of that backend is a piece of one WebAssembly memory. A kernel of ours reads and writes it through typed-array
 * views. The trap: an allocation may grow the memory, and growing it detaches every view made before. So a kernel makes
 * all its outputs first and takes views afterwards, and {@link allocate} is never called while a view is still in use.
 *
 * Nothing here imports the WASM package: kernels receive the live backend as an argument, and stock kernels are found in
 * tfjs's registry. That keeps the package optional for programs that never choose the engine.
 */
import { tf } from '../../tf.ts';

/** What a kernel gets and gives: where the data lies, and its shape and type. */
export type TensorInfo = tf.TensorInfo;

/** The numeric views that a heap tensor can have. */
export type HeapView = Float32Array | Int32Array | Uint8Array;

/** The emscripten module behind the backend, as far as it is used here. */
interface WasmModule {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  cwrap(name: string, result: null, parameters: string[]): (...args: number[]) => void;
  readonly tfjs: {
    registerTensor(id: number, size: number, offset: number): void;
    disposeData(id: number): void;
  };
}

/** The tfjs WASM backend, as far as it is used here. */
export interface WasmBackend {
  readonly wasm: WasmModule;
  dataIdNextNumber: number;
  readonly dataIdMap: {
    get(dataId: object): { id: number; memoryOffset: number; dtype: tf.DataType; shape: number[] };
  };
  write(values: unknown, shape: number[], dtype: tf.DataType): object;
  readSync(dataId: object, start?: number, end?: number): unknown;
  makeOutput(shape: number[], dtype: tf.DataType): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): HeapView;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
}

/** Inputs of a kernel by name; optional inputs are absent. */
export type Inputs = Record<string, TensorInfo>;

/** Attributes of a kernel, typed by each kernel for itself. */
export type Attributes = Record<string, unknown>;

/** A kernel with the arguments already taken apart. */
export type WasmKernel<Given = Attributes> = (inputs: Inputs, attributes: Given, backend: WasmBackend) => TensorInfo;

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides, one per axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = Array.from<number>({ length: shape.length });
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Makes a tensor with undefined contents. May grow the memory: views taken earlier are then dead. */
export function allocate(backend: WasmBackend, shape: number[], dtype: tf.DataType = 'float32'): TensorInfo {
  return backend.makeOutput(shape, dtype);
}

/** The heap as 32-bit floats at a tensor's place. */
export function floats(backend: WasmBackend, info: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(info) as Float32Array;
}

/** The heap at a tensor's place, in the tensor's own type. */
export function view(backend: WasmBackend, info: TensorInfo): HeapView {
  return backend.typedArrayFromHeap(info);
}

/** Byte address of a tensor in the heap. */
export function addressOf(backend: WasmBackend, info: TensorInfo): number {
  return backend.dataIdMap.get(info.dataId).memoryOffset;
}

/** The same data under another shape, counted as one more reference; nothing is copied. */
export function reshaped(backend: WasmBackend, info: TensorInfo, shape: number[], dtype = info.dtype): TensorInfo {
  backend.incRef(info.dataId);
  return { dataId: info.dataId, shape, dtype };
}

/** Frees temporaries. */
export function release(backend: WasmBackend, ...infos: TensorInfo[]): void {
  for (const info of infos) backend.disposeData(info.dataId);
}

/** Runs whatever kernel is registered for the WASM backend under this name. */
export function runKernel(
  backend: WasmBackend,
  name: string,
  inputs: Inputs | TensorInfo[],
  attributes: Attributes = {},
): TensorInfo {
  const kernel = tf.getKernel(name, 'wasm');
  if (!kernel) {
    throw new Error(`wasm repairs: kernel '${name}' is not registered; import @tensorflow/tfjs-backend-wasm first.`);
  }
  return kernel.kernelFunc({
    inputs: inputs as tf.NamedTensorInfoMap,
    attrs: attributes as unknown as tf.NamedAttrMap,
    backend: backend as never,
  }) as TensorInfo;
}

/**
 * Puts a kernel in place of the stock one, or adds it where there is none.
 *
 * The stock kernel's set-up function stays attached: tfjs calls it again when the backend is initialized anew, and the
 * stock kernel may still be wanted as a part.
 *
 * @returns the stock kernel, or undefined where WASM has none
 */
export function replaceKernel<Given = Attributes>(
  name: string,
  kernel: WasmKernel<Given>,
): WasmKernel<Given> | undefined {
  const stock = tf.getKernel(name, 'wasm');
  if (stock) tf.unregisterKernel(name, 'wasm');
  tf.registerKernel({
    ...stock,
    kernelName: name,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel(inputs as Inputs, (attrs ?? {}) as Given, backend as unknown as WasmBackend),
  });
  if (!stock) return undefined;
  return (inputs, attributes, backend) =>
    stock.kernelFunc({
      inputs: inputs as tf.NamedTensorInfoMap,
      attrs: attributes as unknown as tf.NamedAttrMap,
      backend: backend as never,
    }) as TensorInfo;
}

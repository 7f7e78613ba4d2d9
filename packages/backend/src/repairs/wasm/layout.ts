/**
 * Kernels that only move data, on WASM.
 *
 * In tfjs 4.22 Identity copies the whole tensor, and it runs for every clone that the gradient tape makes; Slice and
 * SplitV go element by element through index vectors unless the slice is one block; GatherV2 computes a full coordinate
 * for every element. Here an identity is one more reference to the same data, and the others copy whole rows.
 */
import { tf } from '../../tf.ts';
import { allocate, replaceKernel, reshaped, sizeOf, stridesOf, view } from './heap.ts';
import type { TensorInfo, WasmBackend, WasmKernel } from './heap.ts';

/** Copies a run of numbers; the block copy wins only from a few dozen numbers on. */
function copyRun(source: Float32Array, from: number, target: Float32Array, to: number, length: number): void {
  if (length >= 48) target.set(source.subarray(from, from + length), to);
  else for (let i = 0; i < length; i++) target[to + i] = source[from + i]!;
}

/** The box of x that starts at `begin` with extents `size`. */
export function slice(backend: WasmBackend, x: TensorInfo, begin: readonly number[], size: number[]): TensorInfo {
  const result = allocate(backend, size, x.dtype);
  const total = sizeOf(size);
  if (total === 0) return result;
  const source = view(backend, x) as Float32Array;
  const target = view(backend, result) as Float32Array;
  const strides = stridesOf(x.shape);
  // Axes that are taken whole at the end join the run that is copied at once.
  let outer = size.length;
  let run = 1;
  while (outer > 0) {
    outer--;
    run *= size[outer]!;
    if (size[outer] !== x.shape[outer]) break;
  }
  let from = 0;
  for (let axis = 0; axis < begin.length; axis++) from += begin[axis]! * strides[axis]!;
  const counter = Array.from({ length: outer }, () => 0);
  for (let to = 0; to < total; to += run) {
    copyRun(source, from, target, to, run);
    for (let axis = outer - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++counter[axis]! < size[axis]!) break;
      from -= strides[axis]! * size[axis]!;
      counter[axis] = 0;
    }
  }
  return result;
}

interface SliceAttributes {
  begin: number | number[];
  size: number | number[];
}

/** x with rows (or hyper-rows along `axis`) in the order of the indices. */
function gather(
  backend: WasmBackend,
  { x, indices }: { x: TensorInfo; indices: TensorInfo },
  axis: number,
  batchDims: number,
): TensorInfo {
  const [parsedAxis] = tf.util.parseAxisParam(axis, x.shape) as [number];
  const info = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    x as never,
    indices as never,
    parsedAxis,
    batchDims,
  );
  const result = allocate(backend, info.outputShape, x.dtype);
  const source = view(backend, x) as Float32Array;
  const target = view(backend, result) as Float32Array;
  const chosen = view(backend, indices);
  const { batchSize, outerSize, dimSize, sliceSize } = info;
  const perBatch = chosen.length / batchSize;
  let to = 0;
  for (let batch = 0; batch < batchSize; batch++) {
    for (let outer = 0; outer < outerSize; outer++) {
      const base = (batch * outerSize + outer) * dimSize;
      for (let i = 0; i < perBatch; i++) {
        const index = chosen[batch * perBatch + i]!;
        if (!(index >= 0 && index < dimSize)) {
          throw new Error(`GatherV2: the index value ${index} is not in [0, ${dimSize - 1}]; choose one that is.`);
        }
        copyRun(source, (base + index) * sliceSize, target, to, sliceSize);
        to += sliceSize;
      }
    }
  }
  return result;
}

/** Registers the kernels. */
export function installLayout(): void {
  replaceKernel('Identity', ({ x }, _attributes, backend) => reshaped(backend, x!, x!.shape));
  const stockSlice: WasmKernel<SliceAttributes> | undefined = replaceKernel<SliceAttributes>(
    'Slice',
    ({ x }, attributes, backend) => {
      if (x!.dtype === 'string') return stockSlice!({ x: x! }, attributes, backend);
      const [begin, size] = tf.slice_util.parseSliceParams(x as tf.Tensor, attributes.begin, attributes.size);
      tf.slice_util.assertParamsValid(x as tf.Tensor, begin!, size!);
      return slice(backend, x!, begin!, size!);
    },
  );
  replaceKernel<{ numOrSizeSplits: number | number[]; axis: number }>(
    'SplitV',
    ({ x }, { numOrSizeSplits, axis }, backend) => {
      const [along] = tf.util.parseAxisParam(axis, x!.shape) as [number];
      const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along);
      const begin = x!.shape.map(() => 0);
      const parts = sizes.map((extent) => {
        const size = [...x!.shape];
        size[along] = extent;
        const part = slice(backend, x!, begin, size);
        begin[along]! += extent;
        return part;
      });
      // The registry's type speaks of one output; tfjs takes a list as well.
      return parts as unknown as TensorInfo;
    },
  );
  replaceKernel<{ axis: number }>('Unpack', ({ value }, { axis }, backend) => {
    const along = axis < 0 ? axis + value!.shape.length : axis;
    const size = value!.shape.map((extent, i) => (i === along ? 1 : extent));
    const shape = value!.shape.filter((_, i) => i !== along);
    const parts = Array.from({ length: value!.shape[along]! }, (_, at) => {
      const begin = value!.shape.map((_extent, i) => (i === along ? at : 0));
      return { ...slice(backend, value!, begin, size), shape };
    });
    return parts as unknown as TensorInfo;
  });
  replaceKernel<{ axis: number; batchDims: number }>('GatherV2', (inputs, { axis, batchDims }, backend) =>
    gather(backend, inputs as { x: TensorInfo; indices: TensorInfo }, axis, batchDims ?? 0),
  );
}

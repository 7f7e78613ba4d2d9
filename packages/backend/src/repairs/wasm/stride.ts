/**
 * Tile, Reverse and StridedSlice on WASM: copies with a step or a repeat on each axis.
 *
 * In tfjs 4.22 all three build coordinate vectors for every element (50 to 90 ns each), and StridedSlice always calls its
 * result float32, so that a strided slice of int32 data reads as nonsense.
 */
import { tf } from '../../tf.ts';
import { broadcastTo } from './elementwise.ts';
import { allocate, replaceKernel, reshaped, sizeOf, stridesOf, view } from './heap.ts';
import type { TensorInfo, WasmBackend, WasmKernel } from './heap.ts';

/**
 * Every `steps[axis]`-th element (steps may be negative) from offset `from` on, over the box `shape`.
 */
function strided(backend: WasmBackend, x: TensorInfo, from: number, shape: number[], steps: number[]): TensorInfo {
  const result = allocate(backend, shape, x.dtype);
  const total = sizeOf(shape);
  if (total === 0) return result;
  const source = view(backend, x);
  const target = view(backend, result);
  const last = shape.length - 1;
  const length = shape[last]!;
  const step = steps[last]!;
  const counter = shape.map(() => 0);
  for (let to = 0; to < total; to += length) {
    for (let i = 0, at = from; i < length; i++, at += step) target[to + i] = source[at]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++counter[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      counter[axis] = 0;
    }
  }
  return result;
}

/** x repeated `repeats[axis]` times along each axis: a broadcast along new axes, seen under the merged shape. */
function tile(backend: WasmBackend, x: TensorInfo, repeats: readonly number[]): TensorInfo {
  const shape = x.shape.map((extent, axis) => extent * repeats[axis]!);
  // [extent] becomes [repeats, extent] with the source at [1, extent]; axes that need no pair get none, so that the inner
  // loop stays long.
  const pairs = x.shape.map((extent, axis) => {
    const times = repeats[axis]!;
    if (times === 1) return { from: [extent], to: [extent] };
    if (extent === 1) return { from: [1], to: [times] };
    return { from: [1, extent], to: [times, extent] };
  });
  const source = { ...x, shape: pairs.flatMap(({ from }) => from) };
  const result = broadcastTo(
    backend,
    source,
    pairs.flatMap(({ to }) => to),
  );
  return { ...result, shape };
}

interface StridedSliceAttributes extends Record<'begin' | 'end' | 'strides', number[]> {
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

function stridedSlice(backend: WasmBackend, x: TensorInfo, given: StridedSliceAttributes): TensorInfo {
  const { begin, end, strides, finalShape } = tf.slice_util.sliceInfo(
    x.shape,
    given.begin,
    given.end,
    given.strides,
    given.beginMask,
    given.endMask,
    given.ellipsisMask,
    given.newAxisMask,
    given.shrinkAxisMask,
  );
  const unit = stridesOf(x.shape);
  const extents = tf.slice_util.computeOutShape(begin, end, strides);
  const from = begin.reduce((sum, start, axis) => sum + start * unit[axis]!, 0);
  const result = strided(
    backend,
    x,
    from,
    extents,
    strides.map((step, axis) => step * unit[axis]!),
  );
  return { ...result, shape: finalShape };
}

/** Registers the kernels. */
export function installStrides(): void {
  const stockTile: WasmKernel<{ reps: number[] }> | undefined = replaceKernel<{ reps: number[] }>(
    'Tile',
    ({ x }, attributes, backend) =>
      x!.dtype === 'string' ? stockTile!({ x: x! }, attributes, backend) : tile(backend, x!, attributes.reps),
  );
  replaceKernel<{ dims: number | number[] }>('Reverse', ({ x }, { dims }, backend) => {
    if (x!.shape.length === 0) return reshaped(backend, x!, []);
    const axes = tf.util.parseAxisParam(dims, x!.shape);
    const unit = stridesOf(x!.shape);
    let from = 0;
    for (const axis of axes) from += (x!.shape[axis]! - 1) * unit[axis]!;
    return strided(
      backend,
      x!,
      from,
      x!.shape,
      unit.map((step, axis) => (axes.includes(axis) ? -step : step)),
    );
  });
  replaceKernel<StridedSliceAttributes>('StridedSlice', ({ x }, attributes, backend) =>
    stridedSlice(backend, x!, attributes),
  );
}

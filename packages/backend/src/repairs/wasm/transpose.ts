/**
 * Transpose on WASM.
 *
 * In tfjs 4.22 the kernel walks one side of the copy with a large stride, element by element: at 768×512 it spends about
 * 3 ns an element, most of it in cache misses, and from five axes on it allocates index vectors for every element.
 * Here neighbouring axes that stay together are merged first, which turns almost every transpose of a network into a stack
 * of matrices, turned tile by tile, or into one of three or four axes, for which the stock loops are good.
 */
import { allocate, replaceKernel, reshaped, sizeOf, stridesOf, view } from './heap.ts';
import type { TensorInfo, WasmBackend, WasmKernel } from './heap.ts';

/** Side of the square tile that is turned at once: 16 floats are one cache line. */
const TILE = 16;

/**
 * Turns each of `count` matrices: target[n, j, i] = source[n, i, j].
 *
 * @param source at least count · rows · columns numbers from sourceStart on
 */
export function turnMatrices<View extends Float32Array | Int32Array | Uint8Array>(
  source: View,
  sourceStart: number,
  target: View,
  targetStart: number,
  count: number,
  rows: number,
  columns: number,
): void {
  for (let n = 0; n < count; n++) {
    const from = sourceStart + n * rows * columns;
    const to = targetStart + n * rows * columns;
    for (let row0 = 0; row0 < rows; row0 += TILE) {
      const row1 = Math.min(rows, row0 + TILE);
      for (let column0 = 0; column0 < columns; column0 += TILE) {
        const column1 = Math.min(columns, column0 + TILE);
        for (let column = column0; column < column1; column++) {
          let at = from + row0 * columns + column;
          const base = to + column * rows;
          for (let row = row0; row < row1; row++) {
            target[base + row] = source[at]!;
            at += columns;
          }
        }
      }
    }
  }
}

/** Drops axes of extent 1 and merges axes that are neighbours before and after. */
function simplify(
  shape: readonly number[],
  permutation: readonly number[],
): { shape: number[]; permutation: number[] } {
  const groups: number[][] = [];
  for (const axis of permutation) {
    if (shape[axis] === 1) continue;
    const last = groups.at(-1);
    // Axes between the two of extent 1 do not separate them.
    let next = (last?.at(-1) ?? shape.length) + 1;
    while (shape[next] === 1) next++;
    if (last && axis === next) last.push(axis);
    else groups.push([axis]);
  }
  const order = groups.map((_, index) => index).toSorted((left, right) => groups[left]![0]! - groups[right]![0]!);
  return {
    shape: order.map((group) => sizeOf(groups[group]!.map((axis) => shape[axis]!))),
    permutation: groups.map((_, index) => order.indexOf(index)),
  };
}

/** Copies with any permutation: an odometer over the outer axes of the result, a strided loop over the last. */
function permute<View extends Float32Array | Int32Array | Uint8Array>(
  source: View,
  target: View,
  shape: number[],
  permutation: number[],
): void {
  const strides = stridesOf(shape);
  const extents = permutation.map((axis) => shape[axis]!);
  const steps = permutation.map((axis) => strides[axis]!);
  const last = extents.length - 1;
  const length = extents[last]!;
  const step = steps[last]!;
  const counter = extents.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to += length) {
    if (step === 1) {
      // Short rows: the call of a block copy costs more than the loop.
      if (length >= 32) target.set(source.subarray(from, from + length), to);
      else for (let i = 0; i < length; i++) target[to + i] = source[from + i]!;
    } else {
      for (let i = 0, at = from; i < length; i++, at += step) target[to + i] = source[at]!;
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++counter[axis]! < extents[axis]!) break;
      from -= steps[axis]! * extents[axis]!;
      counter[axis] = 0;
    }
  }
}

/** The tensor with its axes in another order: result.shape[i] = x.shape[permutation[i]]. */
export function transpose(backend: WasmBackend, x: TensorInfo, permutation: readonly number[]): TensorInfo {
  const shape = permutation.map((axis) => x.shape[axis]!);
  const simple = simplify(x.shape, permutation);
  const rank = simple.shape.length;
  if (rank < 2) return reshaped(backend, x, shape);
  const turnsLastTwo = simple.permutation[rank - 1] === rank - 2 && simple.permutation[rank - 2] === rank - 1;
  const stacked = turnsLastTwo && rank <= 3;
  if (!stacked && rank <= 4 && stockTranspose) {
    const result = stockTranspose({ x: { ...x, shape: simple.shape } }, { perm: simple.permutation }, backend);
    return { ...result, shape };
  }
  const result = allocate(backend, shape, x.dtype);
  if (sizeOf(shape) === 0) return result;
  // The casts say only that source and target have one type; which of the three it is does not matter to a copy.
  const source = view(backend, x) as Float32Array;
  const target = view(backend, result) as Float32Array;
  if (stacked) {
    const [rows, columns] = simple.shape.slice(-2) as [number, number];
    turnMatrices(source, 0, target, 0, sizeOf(simple.shape.slice(0, -2)), rows, columns);
  } else {
    permute(source, target, simple.shape, simple.permutation);
  }
  return result;
}

/** Good at three or four axes once they are merged: its loops are compiled for exactly those. */
let stockTranspose: WasmKernel<{ perm: number[] }> | undefined;

/** Registers the kernel. */
export function installTranspose(): void {
  stockTranspose = replaceKernel<{ perm: number[] }>('Transpose', ({ x }, { perm }, backend) =>
    transpose(backend, x!, perm),
  );
}

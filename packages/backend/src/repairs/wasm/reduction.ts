/**
 * Sum, Mean and Max on WASM. In tfjs 4.22 a reduction over leading axes (every bias gradient) first transposes the whole
 * tensor, about 4 ns an element. Here the axes are merged to [outer, reduced, inner] and read in order; any other pattern
 * of axes is transposed first as before. Sums are held in double precision, as on the cpu engine.
 */
import { tf } from '../../tf.ts';
import { allocate, floats, release, replaceKernel, sizeOf } from './heap.ts';
import type { TensorInfo, WasmBackend, WasmKernel } from './heap.ts';
import { transpose } from './transpose.ts';

interface ReductionAttributes {
  axis?: number | number[];
  /** Max calls it reductionIndices. */
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

type Reduce = (x: Float32Array, out: Float32Array, outer: number, reduced: number, inner: number) => void;

/** From here on, adding up float32 numbers one by one would cost a decimal digit. */
const LONG_SUM = 2048;

/** One float64 accumulator per inner position, reused between calls. */
let totals = new Float64Array(0);

function sum(x: Float32Array, out: Float32Array, outer: number, reduced: number, inner: number, divisor = 1): void {
  if (inner === 1) {
    for (let o = 0, from = 0; o < outer; o++) {
      const end = from + reduced;
      // Four running sums: one alone would wait for its own last addition.
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (; from + 3 < end; from += 4) {
        s0 += x[from]!;
        s1 += x[from + 1]!;
        s2 += x[from + 2]!;
        s3 += x[from + 3]!;
      }
      for (; from < end; from++) s0 += x[from]!;
      out[o] = (s0 + s1 + (s2 + s3)) / divisor;
    }
    return;
  }
  if (totals.length < inner) totals = new Float64Array(inner);
  // A local name: the loop would otherwise look the buffer up again for every number.
  const sums = totals;
  for (let o = 0; o < outer; o++) {
    sums.fill(0, 0, inner);
    let from = o * reduced * inner;
    let r = 0;
    // Four rows at a time: a quarter of the traffic to and from the accumulators.
    for (; r + 3 < reduced; r += 4, from += 4 * inner) {
      const second = from + inner;
      const third = second + inner;
      const fourth = third + inner;
      for (let i = 0; i < inner; i++) {
        sums[i] = sums[i]! + (x[from + i]! + x[second + i]! + (x[third + i]! + x[fourth + i]!));
      }
    }
    for (; r < reduced; r++, from += inner) for (let i = 0; i < inner; i++) sums[i] = sums[i]! + x[from + i]!;
    const to = o * inner;
    for (let i = 0; i < inner; i++) out[to + i] = sums[i]! / divisor;
  }
}

const mean: Reduce = (x, out, outer, reduced, inner) => sum(x, out, outer, reduced, inner, reduced);

const max: Reduce = (x, out, outer, reduced, inner) => {
  for (let o = 0, from = 0; o < outer; o++) {
    const to = o * inner;
    for (let i = 0; i < inner; i++) out[to + i] = x[from++]!;
    for (let r = 1; r < reduced; r++) {
      for (let i = 0; i < inner; i++) out[to + i] = Math.max(out[to + i]!, x[from++]!);
    }
  }
};

function reduction(
  backend: WasmBackend,
  x: TensorInfo,
  givenAxes: readonly number[],
  { keepDims }: ReductionAttributes,
  reduce: Reduce,
): TensorInfo {
  const rank = x.shape.length;
  const axes = givenAxes.toSorted((left, right) => left - right);
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const shape = keepDims ? x.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : kept.map((i) => x.shape[i]!);
  // Axes of extent 1 belong to any run.
  const real = axes.filter((i) => x.shape[i] !== 1);
  const [first = rank, last = rank - 1] = [real[0], real.at(-1)];
  const contiguous = kept.every((i) => i < first || i > last || x.shape[i] === 1);
  const input = contiguous ? x : transpose(backend, x, [...kept, ...axes]);
  const result = allocate(backend, shape);
  const reduced = sizeOf(axes.map((i) => x.shape[i]!));
  const inner = contiguous ? sizeOf(x.shape.slice(last + 1)) : 1;
  if (sizeOf(x.shape) === 0) {
    floats(backend, result).fill(reduce === max ? -Infinity : reduce === mean ? Number.NaN : 0);
  } else {
    reduce(floats(backend, input), floats(backend, result), sizeOf(shape) / inner, reduced, inner);
  }
  if (!contiguous) release(backend, input);
  return result;
}

/** Registers the kernels. */
export function installReductions(): void {
  for (const [name, reduce] of Object.entries({ Sum: sum as Reduce, Mean: mean, Max: max })) {
    const stock: WasmKernel<ReductionAttributes> | undefined = replaceKernel<ReductionAttributes>(
      name,
      ({ x }, attributes, backend) => {
        const axes = tf.util.parseAxisParam((attributes.axis ?? attributes.reductionIndices) as number[], x!.shape);
        // The stock kernel stays for whole numbers (loops that see two kinds of view compile to slower code), and along
        // the last axis, where it is quick; but not for long sums, which it adds up in float32, one by one.
        const isShort = reduce === max || sizeOf(axes.map((axis) => x!.shape[axis]!)) <= LONG_SUM;
        const keepsStock = x!.dtype !== 'float32' || (isShort && axes.includes(x!.shape.length - 1));
        return keepsStock ? stock!({ x: x! }, attributes, backend) : reduction(backend, x!, axes, attributes, reduce);
      },
    );
  }
}

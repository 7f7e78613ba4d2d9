/**
 * Embeddings on WASM: UnsortedSegmentSum, the gradient of gather, and OneHot.
 *
 * tfjs 4.22 has no kernel for the first there; it is one pass over the rows, each added to the row that its segment names.
 * The second writes whole numbers whatever type was asked for, so that a float32 one-hot tensor holds 1.4e-45 for 1.
 */
import type { tf } from '../../tf.ts';
import { allocate, replaceKernel, sizeOf, view } from './heap.ts';

/** Registers the kernels. */
export function installSegmentSum(): void {
  replaceKernel<{ numSegments: number }>('UnsortedSegmentSum', ({ x, segmentIds }, { numSegments }, backend) => {
    const rowShape = x!.shape.slice(segmentIds!.shape.length);
    const rowSize = sizeOf(rowShape);
    const result = allocate(backend, [numSegments, ...rowShape], x!.dtype);
    const sums = view(backend, result);
    sums.fill(0);
    const rows = view(backend, x!);
    const segments = view(backend, segmentIds!);
    for (let row = 0, from = 0; row < segments.length; row++, from += rowSize) {
      const segment = segments[row]!;
      // As on the other engines, a segment out of range (a padding mark such as −1) drops its row.
      if (segment < 0 || segment >= numSegments) continue;
      const to = segment * rowSize;
      for (let i = 0; i < rowSize; i++) sums[to + i]! += rows[from + i]!;
    }
    return result;
  });
  replaceKernel<{ depth: number; onValue: number; offValue: number; dtype?: tf.NumericDataType }>(
    'OneHot',
    ({ indices }, { depth, onValue, offValue, dtype }, backend) => {
      const result = allocate(backend, [...indices!.shape, depth], dtype ?? 'int32');
      const values = view(backend, result).fill(offValue);
      for (const [row, index] of view(backend, indices!).entries()) {
        if (index >= 0 && index < depth) values[row * depth + index] = onValue;
      }
      return result;
    },
  );
}

/**
 * UnsortedSegmentSum on WASM, the gradient of gather and so of every embedding. tfjs 4.22 has no such kernel there. One
 * pass over the rows, each added to the row that its segment names.
 */
import { allocate, replaceKernel, sizeOf, view } from './heap.ts';

/** Registers the kernel. */
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
}

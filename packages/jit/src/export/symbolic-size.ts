/** Sizes that depend on one unknown number, as several traces show them. */

/** factor · n + offset. */
export interface SymbolicSize {
  readonly factor: number;
  readonly offset: number;
}

/**
 * The size as a function of n, from its value at several n. Two points give the line; the others must lie on it.
 *
 * @param sizes the size in each trace
 * @param samples n in each trace, all different
 * @returns undefined where the size is no line with whole coefficients (a square, a quotient)
 */
export function symbolicSize(sizes: readonly number[], samples: readonly number[]): SymbolicSize | undefined {
  const [first, second] = sizes as readonly [number, number | undefined];
  if (sizes.every((size) => size === first)) return { factor: 0, offset: first };
  const factor = (second! - first) / (samples[1]! - samples[0]!);
  const offset = first - factor * samples[0]!;
  if (!Number.isSafeInteger(factor) || !Number.isSafeInteger(offset)) return undefined;
  return sizes.every((size, index) => size === factor * samples[index]! + offset) ? { factor, offset } : undefined;
}

/** As ONNX writes a dimension: a number, the symbol itself, or a name that says how it is computed. */
export function writtenSize({ factor, offset }: SymbolicSize, symbol: string): number | string {
  if (factor === 0) return offset;
  const multiple = factor === 1 ? symbol : `${factor}*${symbol}`;
  return offset === 0 ? multiple : `${multiple}${offset < 0 ? '' : '+'}${offset}`;
}

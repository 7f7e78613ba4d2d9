/** The linear algebra of a handful of numbers, in doubles. */

/** Numbers in a row. */
export type Vector = readonly number[];
/** Rows. */
export type Matrix = readonly Vector[];

/** Σ aᵢ bᵢ */
export function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** A x */
export function multiply(matrix: Matrix, x: Vector): number[] {
  return matrix.map((row) => dot(row, x));
}

/** Aᵀ */
export function transpose(matrix: Matrix): number[][] {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

/**
 * The x with A x = b: elimination with the largest pivot.
 *
 * @throws when A is singular
 */
export function solve(matrix: Matrix, b: Vector): number[] {
  const rows = matrix.map((row, i) => [...row, b[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const top = rows[column]!;
    if (top[column] === 0) {
      throw new Error(`solve: the ${size}×${size} matrix is singular; its columns must be independent.`);
    }
    for (let row = column + 1; row < size; row++) {
      const factor = rows[row]![column]! / top[column]!;
      for (let at = column; at <= size; at++) rows[row]![at]! -= factor * top[at]!;
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row--) {
    const known = x.reduce((sum, value, at) => (at > row ? sum + value * rows[row]![at]! : sum), 0);
    x[row] = (rows[row]![size]! - known) / rows[row]![row]!;
  }
  return x;
}

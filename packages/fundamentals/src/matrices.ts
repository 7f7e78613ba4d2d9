/**
 * The little linear algebra that experiments need on the host, in double precision, for matrices of up to some hundred rows.
 * A matrix is an array of rows.
 */

/** Rows of equal length. */
export type Matrix = readonly Float64Array<ArrayBuffer>[];

/** A · B */
export function multiply(left: Matrix, right: Matrix): Float64Array<ArrayBuffer>[] {
  return left.map((row) => {
    const product = new Float64Array(right[0]!.length);
    for (let inner = 0; inner < row.length; inner++) {
      const [factor, other] = [row[inner]!, right[inner]!];
      for (let column = 0; column < product.length; column++) product[column]! += factor * other[column]!;
    }
    return product;
  });
}

/** Aᵀ */
export function transpose(matrix: Matrix): Float64Array<ArrayBuffer>[] {
  return Array.from(matrix[0]!.keys(), (column) => Float64Array.from(matrix, (row) => row[column]!));
}

/** Xᵀ X / N of rows x: their covariance where they have mean 0. */
export function gram(rows: Matrix): Float64Array<ArrayBuffer>[] {
  const size = rows[0]!.length;
  const sums = Array.from({ length: size }, () => new Float64Array(size));
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      if (row[i] === 0) continue;
      const [factor, sum] = [row[i]!, sums[i]!];
      for (let j = 0; j < size; j++) sum[j]! += factor * row[j]!;
    }
  }
  return sums.map((sum) => sum.map((value) => value / rows.length));
}

/** A + value · I */
export function addDiagonal(matrix: Matrix, value: number): Float64Array<ArrayBuffer>[] {
  return matrix.map((row, index) => row.map((entry, column) => entry + (column === index ? value : 0)));
}

/** X with A X = B, A symmetric and positive definite, by its Cholesky factor A = L Lᵀ. */
export function solve(matrix: Matrix, right: Matrix): Float64Array<ArrayBuffer>[] {
  const size = matrix.length;
  const factor = matrix.map(() => new Float64Array(size));
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i]![j]!;
      for (let k = 0; k < j; k++) sum -= factor[i]![k]! * factor[j]![k]!;
      if (i === j && !(sum > 0)) {
        throw new Error(`solve: the matrix is not positive definite (pivot ${i} is ${sum}); add to its diagonal.`);
      }
      factor[i]![j] = i === j ? Math.sqrt(sum) : sum / factor[j]![j]!;
    }
  }
  const columns = transpose(right).map((column) => {
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < i; k++) column[i]! -= factor[i]![k]! * column[k]!;
      column[i]! /= factor[i]![i]!;
    }
    for (let i = size - 1; i >= 0; i--) {
      for (let k = i + 1; k < size; k++) column[i]! -= factor[k]![i]! * column[k]!;
      column[i]! /= factor[i]![i]!;
    }
    return column;
  });
  return transpose(columns);
}

/** Eigenvalues of a symmetric matrix, largest first, and an eigenvector of length 1 for each. Jacobi 1846. */
export function eigenSymmetric(matrix: Matrix): { values: number[]; vectors: Float64Array<ArrayBuffer>[] } {
  const size = matrix.length;
  const a = matrix.map((row) => row.slice());
  const vectors = a.map((_, index) =>
    Float64Array.from({ length: size }, (_unused, column) => Number(column === index)),
  );
  const total = a.reduce((sum, row) => sum + row.reduce((inner, value) => inner + value ** 2, 0), 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const entry = a[p]![q]!;
        if (entry === 0) continue;
        off += entry ** 2;
        // The rotation in the plane of p and q that makes a[p][q] zero; the smaller of the two angles.
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * entry);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < size; k++) {
          const [kp, kq] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * kp - s * kq;
          a[k]![q] = s * kp + c * kq;
        }
        for (const rows of [a, vectors]) {
          const [first, second] = [rows[p]!, rows[q]!];
          for (let k = 0; k < size; k++) {
            const [pk, qk] = [first[k]!, second[k]!];
            first[k] = c * pk - s * qk;
            second[k] = s * pk + c * qk;
          }
        }
      }
    }
    if (off <= 1e-26 * total) break;
  }
  const order = Array.from(a.keys()).toSorted((one, other) => a[other]![other]! - a[one]![one]!);
  return { values: order.map((index) => a[index]![index]!), vectors: order.map((index) => vectors[index]!) };
}

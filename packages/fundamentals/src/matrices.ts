/**
 * The linear algebra that experiments need on the host, in double precision, by the library ml-matrix; here a matrix is an
 * array of rows, so that an experiment reads as its formula.
 */
import { CholeskyDecomposition, EigenvalueDecomposition, LuDecomposition, Matrix as Dense } from 'ml-matrix';

/** Numbers in a row. */
export type Vector = readonly number[];
/** Rows of equal length. */
export type Matrix = readonly Vector[];

const dense = (matrix: Matrix): Dense => new Dense(matrix as number[][]);
const column = (vector: Vector): Dense => Dense.columnVector(vector as number[]);

/** Σ aᵢ bᵢ */
export function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** A · B */
export function multiply(left: Matrix, right: Matrix): number[][] {
  return dense(left).mmul(dense(right)).to2DArray();
}

/** A x */
export function apply(matrix: Matrix, x: Vector): number[] {
  return matrix.map((row) => dot(row, x));
}

/** Aᵀ */
export function transpose(matrix: Matrix): number[][] {
  return dense(matrix).transpose().to2DArray();
}

/** Xᵀ X / N of rows x: their covariance where they have mean 0. */
export function gram(rows: Matrix): number[][] {
  const x = dense(rows);
  return x.transpose().mmul(x).div(rows.length).to2DArray();
}

/** A + value · I */
export function addDiagonal(matrix: Matrix, value: number): number[][] {
  return dense(matrix).add(Dense.eye(matrix.length).mul(value)).to2DArray();
}

/** The x with A x = b. @throws when A is singular */
export function solve(matrix: Matrix, b: Vector): number[] {
  const decomposition = new LuDecomposition(dense(matrix));
  if (decomposition.isSingular()) {
    throw new Error(
      `solve: the ${matrix.length}×${matrix.length} matrix is singular; its columns must be independent.`,
    );
  }
  return decomposition.solve(column(b)).to1DArray();
}

/** X with A X = B, A symmetric and positive definite. @throws when it is not */
export function solvePositive(matrix: Matrix, right: Matrix): number[][] {
  const decomposition = new CholeskyDecomposition(dense(matrix));
  if (!decomposition.isPositiveDefinite()) {
    throw new Error('solvePositive: the matrix is not positive definite; add to its diagonal.');
  }
  return decomposition.solve(dense(right)).to2DArray();
}

/** Eigenvalues of a symmetric matrix, largest first, and an eigenvector of length 1 for each. */
export function eigenSymmetric(matrix: Matrix): { values: number[]; vectors: number[][] } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(dense(matrix), { assumeSymmetric: true });
  const columns = eigenvectorMatrix.transpose().to2DArray();
  const order = [...realEigenvalues.keys()].toSorted((one, other) => realEigenvalues[other]! - realEigenvalues[one]!);
  return { values: order.map((index) => realEigenvalues[index]!), vectors: order.map((index) => columns[index]!) };
}

import { Random } from '@milestones/core';
import { describe, expect, it } from 'vitest';
import {
  addDiagonal,
  apply,
  eigenSymmetric,
  gram,
  multiply,
  solve,
  solvePositive,
  transpose,
  type Matrix,
} from '../src/matrices.ts';

const random = new Random(1);
const draw = (rows: number, columns: number): Matrix =>
  Array.from({ length: rows }, () => Array.from(random.normalArray(columns)));
const largestDifference = (one: Matrix, other: Matrix): number =>
  Math.max(...one.flatMap((row, i) => Array.from(row, (value, j) => Math.abs(value - other[i]![j]!))));

describe('matrices', () => {
  const rows = draw(40, 7);
  const covariance = gram(rows);

  it('multiplies, transposes and averages products', () => {
    expect(multiply([[1, 2]], [[3], [4]])).toEqual([[11]]);
    expect(
      apply(
        [
          [1, 2],
          [3, 4],
        ],
        [5, 6],
      ),
    ).toEqual([17, 39]);
    const products = multiply(transpose(rows), rows).map((row) => row.map((value) => value / 40));
    expect(largestDifference(products, covariance)).toBeLessThan(1e-14);
  });

  it('solves by the Cholesky factor, and refuses what has none', () => {
    const right = draw(7, 3);
    expect(largestDifference(multiply(covariance, solvePositive(covariance, right)), right)).toBeLessThan(1e-11);
    expect(() => solvePositive(addDiagonal(covariance, -100), right)).toThrow('is not positive definite');
  });

  it('solves with a zero on the diagonal, and refuses what is singular', () => {
    expect(
      solve(
        [
          [0, 2],
          [1, 1],
        ],
        [4, 5],
      ),
    ).toEqual([3, 2]);
    expect(() =>
      solve(
        [
          [1, 1],
          [1, 1],
        ],
        [1, 2],
      ),
    ).toThrow('the 2×2 matrix is singular');
  });

  it('finds eigenvalues and eigenvectors, largest first', () => {
    const { values, vectors } = eigenSymmetric(covariance);
    expect(values).toEqual(values.toSorted((one, other) => other - one));
    vectors.forEach((vector, index) => {
      const image = multiply([vector], covariance)[0]!;
      expect(largestDifference([image], [vector.map((value) => value * values[index]!)])).toBeLessThan(1e-12);
    });
    expect(
      largestDifference(
        multiply(vectors, transpose(vectors)),
        addDiagonal(
          draw(7, 7).map((row) => row.map(() => 0)),
          1,
        ),
      ),
    ).toBeLessThan(1e-13);
  });
});

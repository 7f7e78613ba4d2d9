/**
 * The Matérn 5/2 kernel with one length scale for each setting, on points of the unit cube:
 *
 *     k(x, x′) = (1 + √5·r + 5/3·r²) · exp(−√5·r),   r² = Σ_p d_p² / ℓ_p²
 *
 * Functions that it describes have two derivatives, no more; Snoek et al. 2012, section 3.1, find it the right smoothness
 * for settings of learning algorithms. d_p is the difference of two coordinates, and of two categories 0 or 1.
 */
import type { Space } from './space.ts';

const ROOT_FIVE = Math.sqrt(5);

/** Points as the rows of one array: row i begins at i · dimensions. */
export interface Points {
  /** The coordinates, row by row. */
  readonly coordinates: Float64Array;
  /** How many rows there are. */
  readonly count: number;
}

/** Rows as {@link Points}. */
export function pointsOf(rows: readonly Float64Array[]): Points {
  const dimensions = rows[0]?.length ?? 0;
  const coordinates = new Float64Array(rows.length * dimensions);
  rows.forEach((row, index) => coordinates.set(row, index * dimensions));
  return { coordinates, count: rows.length };
}

/** For each setting, whether its coordinates are categories: only equal or different. */
export function categoricalSettings(space: Space): boolean[] {
  return space.parameters.map(({ kind }) => kind === 'category');
}

/** The squared difference d_p² of two coordinates. */
export function squaredDifference(left: number, right: number, categorical: boolean): number {
  if (categorical) return left === right ? 0 : 1;
  return (left - right) ** 2;
}

/** k for a squared scaled distance r². */
export function matern(squaredDistance: number): number {
  const scaled = ROOT_FIVE * Math.sqrt(squaredDistance);
  return (1 + scaled + (5 / 3) * squaredDistance) * Math.exp(-scaled);
}

/** −∂k/∂(½ r²) = 5/3 · (1 + √5·r) · exp(−√5·r); times d_p²/ℓ_p² it is ∂k/∂ log ℓ_p. */
export function maternSlope(squaredDistance: number): number {
  const scaled = ROOT_FIVE * Math.sqrt(squaredDistance);
  return (5 / 3) * (1 + scaled) * Math.exp(-scaled);
}

/** The first points of a search, spread over the unit cube. */
import type { Random } from '../random/random.ts';

/**
 * `count` points of a Latin hypercube (McKay et al. 1979): along each coordinate, each of `count` equal intervals holds one
 * point, at a random place.
 */
export function latinHypercube(count: number, dimensions: number, random: Random): Float64Array[] {
  const rows = Array.from({ length: count }, () => new Float64Array(dimensions));
  for (let dimension = 0; dimension < dimensions; dimension++) {
    const order = random.permutation(count);
    rows.forEach((row, index) => {
      row[dimension] = (order[index]! + random.uniform()) / count;
    });
  }
  return rows;
}

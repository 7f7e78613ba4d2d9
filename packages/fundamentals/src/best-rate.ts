/** Choosing a learning rate from a grid. */
import { positiveNumber } from '@milestones/core';
import * as v from 'valibot';

/** A setting: the rates to try. */
export const rateGrid = v.pipe(v.array(positiveNumber), v.minLength(1));

/** The rate and result with the least `cost`. */
export function bestRate<Result>(
  tried: readonly (readonly [rate: number, result: Result])[],
  cost: (result: Result) => number,
): readonly [rate: number, result: Result] {
  return tried.reduce((best, one) => (cost(one[1]) < cost(best[1]) ? one : best));
}

/** A remark for the report where the best rate is the smallest or the largest tried: a wider grid might find a better one. */
export function edgeOfGrid(rate: number, rates: readonly number[]): string {
  if (rates.length < 3 || (rate > Math.min(...rates) && rate < Math.max(...rates))) return '';
  return ', the edge of its grid';
}

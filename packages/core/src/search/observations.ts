/** What a model of the trials learns from: points, and values that it can bear. */
import type { Space } from './space.ts';
import { endValue } from './trial.ts';
import type { Goal, Trial } from './trial.ts';
import { pointOf } from './unit-cube.ts';

/** The trials that ended, for a model. */
export interface Observations {
  /** Their points in the unit cube. */
  readonly rows: Float64Array[];
  /** Their costs: small is good, mean 0 and variance 1. */
  readonly costs: Float64Array;
  /** How many of them have a value of their own. */
  readonly measured: number;
}

/**
 * The ended trials as points and costs.
 *
 * - A goal to maximise turns the sign around.
 * - Costs far above the others, those of a training that diverged, say, are drawn in to the third quartile plus three times the
 *   distance between the quartiles (Tukey's outer fence): how bad they are would drown what tells the good ones apart.
 * - A failed trial counts as bad as the worst of the others, so that the search keeps away from where trials fail.
 * - A stopped trial counts with the last value it reached.
 *
 * @throws when a trial has settings that are not of the space
 */
export function observe(space: Space, history: readonly Trial[], goal: Goal): Observations {
  const sign = goal === 'minimize' ? 1 : -1;
  const rows: Float64Array[] = [];
  const raw: (number | undefined)[] = [];
  // In the order of their numbers, so that the order of arrival changes nothing, not even a rounding.
  for (const trial of history.toSorted((left, right) => left.index - right.index)) {
    if (trial.state === 'pending') continue;
    rows.push(pointOf(space, trial.settings));
    const value = endValue(trial);
    raw.push(value === undefined ? undefined : sign * value);
  }
  const measured = raw.filter((cost) => cost !== undefined);
  if (measured.length === 0) return { rows, costs: new Float64Array(rows.length), measured: 0 };
  const costs = drawIn(measured);
  const worst = Math.max(...costs);
  let next = 0;
  const all = Float64Array.from(raw, (cost) => (cost === undefined ? worst : costs[next++]!));
  return { rows, costs: standardize(all), measured: measured.length };
}

function drawIn(costs: readonly number[]): number[] {
  const sorted = costs.toSorted((left, right) => left - right);
  const quartile = sorted[Math.ceil(0.75 * (sorted.length - 1))]!;
  const spread = quartile - sorted[Math.floor(0.25 * (sorted.length - 1))]!;
  // Where most costs are equal, the quartiles say nothing about the rest.
  if (!(spread > 0)) return [...costs];
  return costs.map((cost) => Math.min(cost, quartile + 3 * spread));
}

function standardize(numbers: Float64Array): Float64Array {
  // Divided first, since the squares of large numbers may overflow.
  const largest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0) || 1;
  const shares = numbers.map((number) => number / largest);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length);
  return shares.map((share) => (deviation > 1e-14 ? (share - mean) / deviation : 0));
}

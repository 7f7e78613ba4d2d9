/** The Gaussian process of a search: fitted to the trials that ended, told of those under way. */
import { GaussianProcess } from './gaussian-process.ts';
import type { KernelSettings } from './gaussian-process.ts';
import { fitKernel } from './marginal-likelihood.ts';
import { categoricalSettings, pointsOf } from './matern.ts';
import type { Observations } from './observations.ts';
import type { Space } from './space.ts';

/** Of more trials than this, a selection chooses the kernel's settings: that takes time with the cube of their number. */
const MOST_FITTED = 120;

/** A model of costs over the unit cube. */
export interface Model {
  /** The process. */
  readonly process: GaussianProcess;
  /** Its kernel. */
  readonly kernel: KernelSettings;
}

/** The process of the greatest marginal likelihood. */
export function fitModel(space: Space, { rows, costs }: Observations): Model {
  const categorical = categoricalSettings(space);
  const chosen = selectTrials(costs);
  const kernel = fitKernel(
    pointsOf(chosen.map((index) => rows[index]!)),
    Float64Array.from(chosen, (index) => costs[index]!),
    categorical,
  );
  return { process: new GaussianProcess(pointsOf(rows), costs, kernel), kernel };
}

/**
 * The same process, told that `pending` points are being tried and come out as it expects them to (the "kriging believer" of
 * Ginsbourger et al. 2010): its mean stays as it is, and around these points it becomes sure, so that workers who ask at the
 * same time are sent to different places.
 */
export function believe(
  { process, kernel }: Model,
  { rows, costs }: Observations,
  pending: readonly Float64Array[],
): Model {
  if (pending.length === 0) return { process, kernel };
  const expected = Float64Array.from([...costs, ...pending.map((point) => process.predictMean(point))]);
  return { process: new GaussianProcess(pointsOf([...rows, ...pending]), expected, kernel, process), kernel };
}

/** The best half of the selection, and the others in equal distances of their rank. */
function selectTrials(costs: Float64Array): number[] {
  const ranked = Array.from(costs.keys()).toSorted((left, right) => costs[left]! - costs[right]! || left - right);
  if (ranked.length <= MOST_FITTED) return Array.from(costs.keys());
  const half = MOST_FITTED / 2;
  const rest = ranked.slice(half);
  const spread = Array.from({ length: half }, (_, index) => rest[Math.floor((index * rest.length) / half)]!);
  return [...ranked.slice(0, half), ...spread].toSorted((left, right) => left - right);
}

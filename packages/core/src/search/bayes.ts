/**
 * Bayesian optimisation (Mockus et al. 1978; Jones et al. 1998; Snoek et al. 2012): the first trials fill the space evenly;
 * after them, a Gaussian process is fitted to all trials that ended, and the next one goes where its expected improvement is
 * greatest. Mean and deviation come from the same model that draws the curve through the trials, so that a place is worth a
 * trial because it looks good, or because little is known of it.
 */
import type { Random } from '../random/random.ts';
import { logExpectedImprovement } from './expected-improvement.ts';
import { latinHypercube } from './latin-hypercube.ts';
import { squaredDifference } from './matern.ts';
import { believe, fitModel } from './model.ts';
import { observe } from './observations.ts';
import type { Settings, Space, SpaceParameter } from './space.ts';
import type { Goal, Trial } from './trial.ts';
import { countOf, pointOf, settingsAt } from './unit-cube.ts';

const RANDOM_CANDIDATES = 500;
const REFINED = 4;
const ROUNDS = 14;
const STEPS_PER_ROUND = 12;
/** No trial starts this near to one that is under way, in widths of the unit cube. */
const KEPT_APART = 0.02;

/** A Bayesian search. */
export interface BayesianSearchOptions {
  /** The settings to choose. */
  readonly space: Space;
  /** Where all draws come from. */
  readonly random: Random;
  /** How many trials there will be; at most half of them fill the space. */
  readonly trials: number;
  /** Whether small or large values are wanted. */
  readonly goal: Goal;
}

/** How many trials fill the space before a model is asked: two for each setting and two more, at most half of all. */
export function initialTrials(settings: number, trials: number): number {
  return Math.max(1, Math.min(2 * settings + 2, Math.floor(trials / 2)));
}

/** The settings of trial `index`; a function of its arguments alone. */
export function suggestByModel(
  { space, random, trials, goal }: BayesianSearchOptions,
  history: readonly Trial[],
  index: number,
): Settings {
  const dimensions = space.parameters.length;
  const initial = initialTrials(dimensions, trials);
  if (index < initial) {
    return settingsAt(space, latinHypercube(initial, dimensions, random.fork('first trials'))[index]!);
  }
  const draws = random.fork(`trial ${index}`);
  const observations = observe(space, history, goal);
  // One value says nothing about where to go from it.
  if (observations.measured < 2) return settingsAt(space, drawPoint(space, draws));
  const pending = history
    .filter(({ state, index: other }) => state === 'pending' && other !== index)
    .toSorted((left, right) => left.index - right.index)
    .map(({ settings }) => pointOf(space, settings));
  const { process } = believe(fitModel(space, observations), observations, pending);
  const known = [...observations.rows, ...pending];
  // The least expected cost, not the least measured one, which noise may have made.
  const means = known.map((point) => process.predictMean(point));
  const best = Math.min(...means);
  const taken = new Set(known.map(String));
  const gain = (point: Float64Array) => {
    // The same settings again would bring the same value, and next to one under way it is known before long.
    if (taken.has(String(point)) || pending.some((other) => isNear(space, point, other))) return -Infinity;
    const { mean, deviation } = process.predict(point);
    return logExpectedImprovement(mean, deviation, best);
  };
  const ranked = known
    .map((point, place) => ({ point, mean: means[place]! }))
    .toSorted((left, right) => left.mean - right.mean);
  const nearBest = ranked.slice(0, 3).map(({ point }) => point);
  return settingsAt(space, mostPromising(space, gain, nearBest, draws));
}

/**
 * A point of great gain: the best few of many random points and of some near the best trials, each moved by ever smaller random
 * steps to where the gain is greater. Where no gain is finite, every settings having been tried, a random point.
 */
function mostPromising(
  space: Space,
  gain: (point: Float64Array) => number,
  nearBest: readonly Float64Array[],
  random: Random,
): Float64Array {
  const candidates = Array.from({ length: RANDOM_CANDIDATES }, () => drawPoint(space, random));
  for (const point of nearBest) {
    for (const width of [0.1, 0.03, 0.01, 0.003]) {
      for (let draw = 0; draw < 5; draw++) candidates.push(step(space, point, width, random));
    }
  }
  const scored = candidates
    .map((point) => ({ point, score: gain(point) }))
    .toSorted((left, right) => right.score - left.score || 0);
  let winner = scored[0]!;
  for (let best of scored.slice(0, REFINED)) {
    let width = 0.1;
    for (let round = 0; round < ROUNDS; round++) {
      let improved = false;
      for (let draw = 0; draw < STEPS_PER_ROUND; draw++) {
        const point = step(space, best.point, width, random);
        const score = gain(point);
        if (score > best.score) {
          best = { point, score };
          improved = true;
        }
      }
      if (!improved) width /= 2.5;
    }
    if (best.score > winner.score) winner = best;
  }
  return winner.point;
}

function isNear(space: Space, left: Float64Array, right: Float64Array): boolean {
  let squaredDistance = 0;
  space.parameters.forEach(({ kind }, index) => {
    squaredDistance += squaredDifference(left[index]!, right[index]!, kind === 'category');
  });
  return squaredDistance < KEPT_APART ** 2;
}

function drawPoint(space: Space, random: Random): Float64Array {
  return snap(
    space,
    Float64Array.from(space.parameters, () => random.uniform()),
  );
}

/** A neighbour: about half of the coordinates, at least one, moved by normal steps; a category by drawing another. */
function step(space: Space, from: Float64Array, width: number, random: Random): Float64Array {
  const sure = random.integer(from.length);
  const moved = from.map((coordinate, index) => {
    if (index !== sure && random.uniform() < 0.5) return coordinate;
    const parameter = space.parameters[index]!;
    if (parameter.kind === 'category') return random.uniform();
    const next = coordinate + stepWidth(parameter, width) * random.normal();
    return Math.min(Math.max(next, 0), 1);
  });
  return snap(space, moved);
}

/** Whole numbers are stepped by about one at least. */
function stepWidth(parameter: SpaceParameter, width: number): number {
  return parameter.kind === 'integer' ? Math.max(width, 1 / countOf(parameter)) : width;
}

/**
 * The point that stands for the settings at `point`: whole numbers and categories are looked at where they will be tried
 * (Garrido-Merchán and Hernández-Lobato 2020), so that the model never prefers a place between two of them.
 */
function snap(space: Space, point: Float64Array): Float64Array {
  return pointOf(space, settingsAt(space, point));
}

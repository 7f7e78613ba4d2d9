/** Which settings mattered. */
import { Random } from '../random/random.ts';
import { fitModel } from './model.ts';
import { observe } from './observations.ts';
import type { Space } from './space.ts';
import type { Goal, Trial } from './trial.ts';
import { pointOf, settingsAt } from './unit-cube.ts';

/** How much of the values' variance a setting explains. */
export interface SettingImportance {
  /** The setting's dotted name. */
  readonly name: string;
  /** The share that it explains by itself, 0 to 1; the shares of all settings sum to 1 at most, but for sampling error. */
  readonly main: number;
  /** The share that it explains by itself and together with others, 0 to 1. */
  readonly total: number;
}

const SAMPLES = 1024;

/**
 * Which settings mattered: a functional analysis of variance (Hutter et al. 2014) of the mean μ of a Gaussian process fitted to
 * the trials, over the whole space. For setting p with the others held together as "rest",
 *
 *     main_p = Var(E[μ | x_p]) / Var(μ),   total_p = E[Var(μ | x_rest)] / Var(μ)
 *
 * the Sobol indices of first order and in total (Sobol 1993), by the estimators of Jansen 1999 on 1024 pairs of random points, always the same ones. They speak of the whole space as the model sees it, not of the
 * neighbourhood of the best trial, and are as good as the model: with few trials, take them as a hint.
 *
 * @param goal says on which side values far outside are drawn in, and as what a failed trial counts: as the worst
 * @returns the settings, the greatest total share first; undefined while fewer than two trials for each setting and two more
 *   have a value, or where all values are the same
 */
export function importance(
  history: readonly Trial[],
  space: Space,
  goal: Goal = 'minimize',
): SettingImportance[] | undefined {
  const observations = observe(space, history, goal);
  const dimensions = space.parameters.length;
  if (observations.measured < 2 * dimensions + 2 || observations.costs.every((cost) => cost === 0)) return undefined;
  const { process } = fitModel(space, observations);
  const random = new Random(0, 'importance');
  const draw = () => {
    const uniform = Float64Array.from({ length: dimensions }, () => random.uniform());
    return pointOf(space, settingsAt(space, uniform));
  };
  const first = Array.from({ length: SAMPLES }, draw);
  const second = Array.from({ length: SAMPLES }, draw);
  const atFirst = first.map((point) => process.predictMean(point));
  const atSecond = second.map((point) => process.predictMean(point));
  const variance = varianceOf([...atFirst, ...atSecond]);
  if (!(variance > 1e-12)) return undefined;
  const shares = space.parameters.map(({ name }, index) => {
    let main = 0;
    let total = 0;
    first.forEach((point, sample) => {
      const mixed = point.slice();
      mixed[index] = second[sample]![index]!;
      const atMixed = process.predictMean(mixed);
      // Only setting p is shared with the second point, all but p with the first.
      main += (atSecond[sample]! - atMixed) ** 2;
      total += (atFirst[sample]! - atMixed) ** 2;
    });
    return {
      name,
      main: share(1 - main / (2 * SAMPLES * variance)),
      total: share(total / (2 * SAMPLES * variance)),
    };
  });
  return shares.toSorted((left, right) => right.total - left.total);
}

function varianceOf(numbers: readonly number[]): number {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length;
}

function share(number: number): number {
  return Math.min(Math.max(number, 0), 1);
}

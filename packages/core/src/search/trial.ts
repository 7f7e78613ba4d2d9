/** What a search knows of the trials so far. */
import type { Settings } from './space.ts';

/** Whether small values are wanted (a loss) or large ones (an accuracy). */
export type Goal = 'minimize' | 'maximize';

/** The measured value after some steps of a trial. */
export interface CurvePoint {
  /** Steps done; of one trial, rising. */
  readonly step: number;
  /** The value that the search minimises or maximises, as it was then. */
  readonly value: number;
}

/** One trial of a search; plain JSON. */
export interface Trial {
  /** Its number, from 0. */
  readonly index: number;
  /** What was tried. */
  readonly settings: Settings;
  /**
   * `pending` until it ends; then `finished` with a value, `failed` without one, or `stopped` early by a rule, with the last
   * value it reached.
   */
  readonly state: 'pending' | 'finished' | 'failed' | 'stopped';
  /** The value at its end. One that is not a finite number counts as a failure. */
  readonly value?: number | undefined;
  /** The values on the way, for the rules that stop trials early. */
  readonly curve?: readonly CurvePoint[] | undefined;
}

/**
 * The value that a trial ended with: that of a finished one, or the last one of a stopped one; undefined for all others,
 * and where the value is not a finite number.
 */
export function endValue(trial: Trial): number | undefined {
  if (trial.state !== 'finished' && trial.state !== 'stopped') return undefined;
  const value = trial.value ?? (trial.state === 'stopped' ? trial.curve?.at(-1)?.value : undefined);
  return Number.isFinite(value) ? value : undefined;
}

/**
 * The best finished trial; of equal ones, the one with the lowest index.
 *
 * @returns undefined while none has finished with a finite value
 */
export function bestTrial(history: readonly Trial[], goal: Goal): Trial | undefined {
  const sign = goal === 'minimize' ? 1 : -1;
  let best: Trial | undefined;
  for (const trial of history) {
    if (trial.state !== 'finished' || endValue(trial) === undefined) continue;
    const difference = best === undefined ? -1 : sign * (trial.value! - best.value!);
    if (difference < 0 || (difference === 0 && trial.index < best!.index)) best = trial;
  }
  return best;
}

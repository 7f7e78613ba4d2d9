/**
 * Rules that end hopeless trials early. Both look at the curves of the trials so far and need no other state, so that
 * workers may ask at any time and in any order: whoever reports a value asks once, right after the report.
 */
import type { Goal, Trial } from './trial.ts';

/** Says whether a trial that has just reported a value is worth going on with. */
export type StoppingRule = (trial: Trial, history: readonly Trial[]) => 'continue' | 'stop';

/** How the median rule judges. */
export interface MedianStoppingOptions {
  /** Whether small or large values are wanted. */
  readonly goal: Goal;
  /** No trial stops before this step; 0 by default. */
  readonly warmupSteps?: number | undefined;
  /** No trial stops before this many others have finished; 3 by default. */
  readonly minimumTrials?: number | undefined;
}

/**
 * The median rule: a trial stops at step s when its best value up to s is worse than the median, over the finished trials,
 * of their mean values up to s. Golovin et al. 2017, "Google Vizier", section 3.2.
 *
 * @returns a rule; a trial without a curve goes on, one whose values are all not finite stops where others can judge it
 */
export function medianStopping(options: MedianStoppingOptions): StoppingRule {
  const { goal } = options;
  const warmupSteps = atLeast('medianStopping', 'warmupSteps', options.warmupSteps ?? 0, 0);
  const minimumTrials = atLeast('medianStopping', 'minimumTrials', options.minimumTrials ?? 3, 1);
  return (trial, history) => {
    const step = trial.curve?.at(-1)?.step;
    if (step === undefined || step < warmupSteps) return 'continue';
    const means: number[] = [];
    for (const other of history) {
      if (other.index === trial.index || other.state !== 'finished') continue;
      const costs = costsUpTo(other, step, goal);
      if (costs.length > 0) means.push(costs.reduce((sum, cost) => sum + cost, 0) / costs.length);
    }
    if (means.length < minimumTrials) return 'continue';
    return Math.min(...costsUpTo(trial, step, goal)) > median(means) ? 'stop' : 'continue';
  };
}

/** How successive halving judges. */
export interface SuccessiveHalvingOptions {
  /** Whether small or large values are wanted. */
  readonly goal: Goal;
  /** The step of the first rung, r. */
  readonly firstStep: number;
  /** Of how many trials one goes on at each rung, and the ratio of the steps of two rungs, η; 3 by default. */
  readonly factor?: number | undefined;
}

/**
 * Successive halving for workers that do not wait for each other (ASHA, Li et al. 2018/2020, "A system for massively parallel
 * hyperparameter tuning", in the form that stops instead of pausing): rungs lie at the steps r, r·η, r·η² …; a trial that
 * reaches a rung goes on when it is among the best ⌊n/η⌋ (at least one) of the n trials that have reached it so far.
 *
 * A rung is decided once, at the first report at or beyond it, by the value reported there; trials that arrive later do not
 * take it back.
 */
export function successiveHalving(options: SuccessiveHalvingOptions): StoppingRule {
  const { goal, firstStep, factor = 3 } = options;
  atLeast('successiveHalving', 'firstStep', firstStep, Number.MIN_VALUE);
  if (!(Number.isFinite(factor) && factor > 1)) {
    throw new Error(`successiveHalving: factor is ${factor}; give a number above 1, for example 3.`);
  }
  return (trial, history) => {
    const rung = rungJustReached(trial, firstStep, factor);
    if (rung === undefined) return 'continue';
    const own = costAtRung(trial, rung, goal)!;
    let reached = 1;
    let better = 0;
    for (const other of history) {
      if (other.index === trial.index) continue;
      const cost = costAtRung(other, rung, goal);
      if (cost === undefined) continue;
      reached++;
      // Of equals the earlier trial is the better one, so that no more than the share goes on.
      if (cost < own || (cost === own && other.index < trial.index)) better++;
    }
    return own < Infinity && better < Math.max(1, Math.floor(reached / factor)) ? 'continue' : 'stop';
  };
}

/** The highest rung between the last report but one (excluded) and the last one; undefined where there is none. */
function rungJustReached(trial: Trial, firstStep: number, factor: number): number | undefined {
  const last = trial.curve?.at(-1)?.step ?? -Infinity;
  const before = trial.curve?.at(-2)?.step ?? -Infinity;
  let rung: number | undefined;
  for (let next = firstStep; next <= last; next *= factor) {
    if (next > before) rung = next;
  }
  return rung;
}

/** The cost at the first report at or beyond a rung; undefined for a trial that has not come so far. */
function costAtRung(trial: Trial, rung: number, goal: Goal): number | undefined {
  const point = trial.curve?.find(({ step }) => step >= rung);
  return point && costOf(point.value, goal);
}

function costsUpTo(trial: Trial, step: number, goal: Goal): number[] {
  return (trial.curve ?? []).filter((point) => point.step <= step).map((point) => costOf(point.value, goal));
}

/** The value, or its negative where large ones are wanted; Infinity for what is not a finite number. */
function costOf(value: number, goal: Goal): number {
  if (!Number.isFinite(value)) return Infinity;
  return goal === 'minimize' ? value : -value;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function atLeast(owner: string, name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new Error(
    `${owner}: ${name} is ${value}; give a finite number ${least > 0 && least < 1 ? 'above 0' : `of at least ${least}`}.`,
  );
}

/** The searches behind one interface. */
import { Random } from '../random/random.ts';
import { suggestByModel } from './bayes.ts';
import { Grid } from './grid.ts';
import type { Settings, Space } from './space.ts';
import type { Goal, Trial } from './trial.ts';
import { settingsAt } from './unit-cube.ts';

/** What to search, how, and for what. */
export interface SearchOptions {
  /** Every combination, independent draws, or Bayesian optimisation. */
  readonly kind: 'grid' | 'random' | 'bayes';
  /** The settings to choose. */
  readonly space: Space;
  /** Two searches with the same options and seed suggest the same. */
  readonly seed: number;
  /** How many trials there will be. A grid has as many as points and may do without. */
  readonly trials?: number | undefined;
  /** Whether the values of the trials shall be small or large. */
  readonly goal: Goal;
}

/** A search: a rule that says what to try next. It has no state. */
export interface Search {
  /** How many trials it wants. */
  readonly trials: number;
  /**
   * The settings of trial `index`: a function of the options, of `index` and of the trials in `history` alone, so that a
   * search which was interrupted goes on as it would have.
   *
   * @param history the trials that ended and those that are under way, in any order
   * @param index the new trial's number, from 0
   */
  suggest(history: readonly Trial[], index: number): Settings;
}

/**
 * Makes a search.
 *
 * @throws when the number of trials is not a whole number of at least 1, or a grid has more points than trials
 */
export function createSearch(options: SearchOptions): Search {
  const { kind, space, seed, trials, goal } = options;
  if (trials !== undefined && (!Number.isSafeInteger(trials) || trials < 1)) {
    throw new Error(`search: ${trials} trials arrived; give a whole number of at least 1.`);
  }
  if (kind === 'grid') return gridSearch(space, trials);
  if (trials === undefined) throw new Error(`search: a ${kind} search has no end of its own; give a number of trials.`);
  const random = new Random(seed, `${kind} search`);
  if (kind === 'bayes') {
    const bayes = { space, random, trials, goal };
    return { trials, suggest: (history, index) => suggestByModel(bayes, history, checkIndex(index)) };
  }
  return {
    trials,
    suggest: (_history, index) => randomSettings(space, random.fork(`trial ${checkIndex(index)}`)),
  };
}

/** Independent draws, uniform on the scale of each setting (Bergstra and Bengio 2012). */
function randomSettings(space: Space, random: Random): Settings {
  return settingsAt(
    space,
    Float64Array.from(space.parameters, () => random.uniform()),
  );
}

function gridSearch(space: Space, trials: number | undefined): Search {
  const grid = new Grid(space);
  if (trials !== undefined && trials < grid.size) {
    throw new Error(
      `search: the grid has ${grid.size} combinations and ${trials} trials arrived; allow ${grid.size} trials, or give fewer "points".`,
    );
  }
  return {
    trials: grid.size,
    suggest(_history, index) {
      if (checkIndex(index) >= grid.size) {
        throw new Error(`search: trial ${index} arrived; the grid's trials are 0 to ${grid.size - 1}.`);
      }
      return grid.settings(index);
    },
  };
}

function checkIndex(index: number): number {
  if (Number.isSafeInteger(index) && index >= 0) return index;
  throw new Error(`search: trial ${index} arrived; trials are numbered 0, 1, 2 …`);
}

/** What a sweep is: written once when it starts, and the same for all that work on it. */
import { createSearch, parseSpace, type Search, type SearchOptions, type Settings } from '@milestones/core/search';
import type { CodeVersion } from './code-version.ts';

/** The content of sweep.json. */
export interface SweepDefinition {
  /** Its name: the folder's, and the queue's. */
  name: string;
  /** Whose runs the trials are. */
  milestone: string;
  /** The preset that the trials change; null for the milestone's usual one. */
  preset: string | null;
  /** The experiment, for a milestone that has several; otherwise null. */
  experiment: string | null;
  /** How settings are chosen. */
  search: SearchOptions['kind'];
  /** Seed of the search, and of every trial unless the space lists `seed`. */
  seed: number;
  /** How many trials there are. */
  trials: number;
  /** Name of the final metric that counts. */
  metric: string;
  /** Whether it shall be small or large. */
  goal: SearchOptions['goal'];
  /** The content of the space file. */
  space: unknown;
  /** `--set` arguments that hold for every trial. */
  set: string[];
  /** The engine; null for the milestone's usual one. */
  backend: string | null;
  /** How many attempts at a trial may die before it fails. */
  attempts: number;
  /** The rule that ends hopeless trials early, if any. */
  stop: StopRule | null;
  /** Seconds after which a worker that nobody hears of loses its trial. */
  lease: number;
  /** The code that the trials run. */
  version: CodeVersion;
  /** When it was started. */
  created: string;
}

/** A rule that ends trials early. */
export interface StopRule {
  /** The median rule, or successive halving. */
  rule: 'median' | 'halving';
  /** No trial ends before this step; for halving, the first rung. */
  step: number;
}

/** Settings of a space that are no configuration keys: `seed` is the run's own flag. */
export const seedSetting = 'seed';

/** The search of a sweep. Throws where the space, or the number of trials, is wrong. */
export function searchOf(
  definition: Pick<SweepDefinition, 'search' | 'seed' | 'goal' | 'space'> & { trials?: number | undefined },
): Search {
  const { search: kind, seed, goal, trials } = definition;
  return createSearch({
    kind,
    space: parseSpace(definition.space),
    seed,
    goal,
    ...(trials !== undefined && { trials }),
  });
}

/** What the milestone's command is given for a trial with these settings, besides its folders. */
export function trialArguments(
  definition: Pick<SweepDefinition, 'experiment' | 'preset' | 'seed' | 'set' | 'backend'>,
  settings: Settings,
): string[] {
  const { experiment, preset, seed, set, backend } = definition;
  const keys = Object.entries(settings).filter(([key]) => key !== seedSetting);
  return [
    ...(experiment === null ? [] : ['--experiment', experiment]),
    ...(preset === null ? [] : ['--preset', preset]),
    '--seed',
    String(settings[seedSetting] ?? seed),
    ...(backend === null ? [] : ['--backend', backend]),
    ...set.flatMap((argument) => ['--set', argument]),
    ...keys.flatMap(([key, value]) => ['--set', `${key}=${String(value)}`]),
  ];
}

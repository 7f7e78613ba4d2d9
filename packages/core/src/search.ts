/**
 * The search for good settings: spaces, grid, random and Bayesian search, rules that stop hopeless trials early, and which
 * settings mattered. Trials are run elsewhere; what is here are functions of the trials so far, for Node and browsers.
 */
export { expectedImprovement } from './search/expected-improvement.ts';
export { importance } from './search/importance.ts';
export type { SettingImportance } from './search/importance.ts';
export { createSearch } from './search/search.ts';
export type { Search, SearchOptions } from './search/search.ts';
export { nestSettings, parseSpace } from './search/space.ts';
export type {
  CategoryParameter,
  IntegerParameter,
  RangeParameter,
  Settings,
  SettingValue,
  Space,
  SpaceParameter,
} from './search/space.ts';
export { medianStopping, successiveHalving } from './search/stopping.ts';
export type { MedianStoppingOptions, StoppingRule, SuccessiveHalvingOptions } from './search/stopping.ts';
export { bestTrial } from './search/trial.ts';
export type { CurvePoint, Goal, Trial } from './search/trial.ts';

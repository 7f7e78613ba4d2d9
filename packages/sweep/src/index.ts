/**
 * Sweeps: many runs of one milestone over a space of settings, on one machine or on many through a queue.
 *
 * The package knows `reproduce` and `core`. It starts the milestones' commands as processes and imports none of them, and
 * nothing imports it. Node only.
 */
export type { CodeVersion } from './code-version.ts';
export type { SweepDefinition, StopRule } from './definition.ts';
export type { SweepHost } from './join-sweep.ts';
export { main } from './main.ts';
export type { SummaryTrial, SweepSummary, TrialGroup } from './report.ts';
export type { TrialState } from './status.ts';

/**
 * Parts of a run that reproduces a paper. The training loop stays in the milestone's package; this package gives it
 *
 * - a command line from one valibot schema and preset files: `runMain` (errors → exit codes), `parseCommand`, `describeCommand`,
 * - a run folder: `openRun` → `Run` with `log`, `assertFinite`, `saveCheckpoint`, `saveSample`, `stopping`, `finish`,
 * - progress, curves, tables, targets, reports and committed results.
 *
 * A milestone's `src/reproduce.ts` exports `main(argv: string[]): Promise<number>` and looks like this:
 *
 * ```ts
 * export function main(argv: string[]): Promise<number> {
 *   return runMain(async () => {
 *     const command = parseCommand({ milestone: 'toy', title, schema, presets: new URL('../presets/', import.meta.url), argv });
 *     const model = new Model(command.config);
 *     const facts = { parameters: model.parameterCount(), steps: command.config.steps };
 *     if (describeCommand(command, facts)) return 0; // --help or --dry-run
 *     const engine = await useBackend(command.backend);
 *     const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
 *     try {
 *       return await trainAndReport(command, run, model.initialize(command.seed));
 *     } finally {
 *       run.close();
 *     }
 *   });
 * }
 *
 * // In trainAndReport, the loop:
 * if (run.checkpoint) model.loadStateDict(dataToTensors(run.checkpoint.tensors.model)); // and the optimizer, the cursor …
 * const progress = run.progress({ total: steps });
 * for (let step = run.checkpoint?.step ?? 0; step < steps; ) {
 *   const trainLoss = await trainStep(…);
 *   step += 1;
 *   run.assertFinite(step, { trainLoss });
 *   progress.update(step, { trainLoss });
 *   if (step % logEvery === 0) run.log(step, { trainLoss });
 *   if (run.stopping || step % checkpointEvery === 0) await run.saveCheckpoint({ step, tensors, state });
 *   if (run.stopping) return run.interrupted();
 * }
 * return await run.finish({ steps, metrics: { validationLoss } });
 * ```
 *
 * Node only.
 */
export { CommandError } from './command/command-error.ts';
export { nearestName } from './command/nearest-name.ts';
export { type Command, type CommandOptions, parseCommand } from './command/parse-command.ts';
export { loadPresets, type Preset } from './command/presets.ts';
export { describeCommand, runMain } from './command/run-main.ts';
export {
  exportVerb,
  numberFlag,
  parseVerbFlags,
  runVerbs,
  wholeNumberFlag,
  type Verb,
  type VerbFlags,
} from './command/verbs.ts';
export { listSchemaKeys, type SchemaKey, type ValueKind } from './command/schema-keys.ts';
export { type Chart, curvesSvg, linearTicks, logTicks } from './curves.ts';
export { type LoaderOptions, loaderOptions } from './download-progress.ts';
export { describeEnvironment, type EngineDescription, type Environment } from './environment.ts';
export { type LogPosition, MetricsLog, readMetrics } from './metrics-log.ts';
export { formatModelCard, readSummary, type ModelCardOptions } from './model-card.ts';
export { NotFiniteError } from './not-finite.ts';
export { Progress, type ProgressOptions, type ProgressStream } from './progress.ts';
export type { Deviation } from './report.ts';
export { resultsFolder, saveResults, thinMetrics } from './results.ts';
export { type CheckpointToSave, type FinishOptions, openRun, Run, type RunCheckpoint, type RunOptions } from './run.ts';
export { type ConfigChange, createRunFolder, findLatestRun, readRunConfig, type RunConfig } from './run-folder.ts';
export { lockRun, type RunLock } from './run-lock.ts';
export { StopSignals } from './stop-signals.ts';
export type { Summary } from './summary.ts';
export { formatDuration, formatNumber, formatTable, markdownTable, type TableOptions } from './table.ts';
export { checkTargets, targetSchema, type MetricsRecord, type TargetDefinition, type TargetResult } from './targets.ts';
export { targetMarkdown, targetTable } from './target-table.ts';
export { formatResultsBlocks, loadResults, type SavedResult } from './results-tables.ts';
export type { CheckpointTensors } from './checkpoint-tensors.ts';

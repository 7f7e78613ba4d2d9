/** One trial from its beginning to its recorded result, by one worker. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, type Summary } from '@milestones/reproduce';
import { type SweepDefinition, trialArguments } from './definition.ts';
import type { BegunAttempt, Ledger } from './ledger.ts';
import { attemptFolder, copyRun, findRun, readCurve } from './run-files.ts';
import type { StopAdvice } from './stop-rules.ts';
import { lastWords, type ProcessEnd, startTrial, type TrialProcess } from './trial-process.ts';
import { type Attempt, failure, type TrialProgress, type TrialResult } from './trial-record.ts';

/** What a worker needs for any trial. */
export interface WorkerContext {
  /** The sweep. */
  definition: SweepDefinition;
  /** Its book. */
  ledger: Ledger;
  /** The milestone's reproduce.js on this machine. */
  entry: string;
  /** This worker's folder of the sweep. */
  place: string;
  /** Flags of this machine, such as `--data`. */
  flags: readonly string[];
  /** Aborted when the worker shall leave. */
  leaving: AbortSignal;
  /** Milliseconds between two looks at a run. */
  interval: number;
  /** Says whether a run shall be ended early; undefined without a rule. */
  advice?: StopAdvice | undefined;
  /** Where checkpoints wait for workers on other machines; undefined where all share one disk. */
  checkpoints?: CheckpointExchange | undefined;
  /** Lines for the user. */
  note: (text: string) => void;
  /** Lines about every attempt, where nothing else tells of them. */
  trace?: ((text: string) => void) | undefined;
}

/** Hands checkpoints to workers on other machines. */
export interface CheckpointExchange {
  /** Publishes the newest checkpoint of an attempt, if there is a new one. */
  publish(index: number, attempt: Attempt, run: string): Promise<void>;
  /** Fetches the checkpoint that an attempt published into a folder. @returns false where there is none */
  fetch(index: number, attempt: Attempt, to: string): Promise<boolean>;
}

/** How work on a trial ended: it has its result, the worker left, or another worker has taken over. */
export type WorkEnd = 'done' | 'left' | 'lost';

/** Host and process: what the table shows as worker. */
export const workerName = `${hostname()}:${process.pid}`;

/**
 * Works on a trial until it has its result; begins again where a run dies, from its last checkpoint.
 *
 * @throws CommandError when the run does not report the metric of the sweep (the trial is recorded as failed)
 */
export async function workOnTrial(context: WorkerContext, index: number): Promise<WorkEnd> {
  for (;;) {
    const begun = await context.ledger.begin(index, workerName, context.place);
    if (begun === undefined) return 'done';
    const end = await runAttempt(context, index, begun);
    if (end !== 'crashed') return end;
  }
}

async function runAttempt(context: WorkerContext, index: number, begun: BegunAttempt): Promise<WorkEnd | 'crashed'> {
  const { definition, ledger, note, leaving } = context;
  const { attempt, settings } = begun;
  const folder = attemptFolder(attempt, index);
  const output = join(folder, 'output.txt');
  mkdirSync(folder, { recursive: true });
  // By the token, a later attempt knows that the folder which it finds under this path is this one's.
  writeFileSync(join(folder, 'attempt.json'), `${JSON.stringify(attempt)}\n`);
  const resumed = await carryOver(context, index, begun, folder);
  const argv =
    resumed === undefined
      ? [...trialArguments(definition, settings), ...context.flags, '--no-progress', '--out', folder]
      : ['--resume', resumed, ...context.flags, '--no-progress', '--out', folder];
  const from = resumed === undefined ? '' : ', from a checkpoint';
  context.trace?.(`Trial ${index}: attempt ${attempt.number} begins${from}.`);
  if (leaving.aborted) return (await keepTrying(() => ledger.end(index, attempt.token, 'left'))) ? 'left' : 'lost';

  const trial = startTrial(context.entry, argv, output);
  const fate = await watch(context, index, attempt, folder, trial);
  if (fate === 'lost') return 'lost';
  const { code, signal } = fate.end;

  const result = resultOf(definition, findRun(folder, definition.milestone), fate.stopped);
  const outcome = result ?? (code === 1 || code === 2 ? failure(lastWords(output)) : undefined);
  if (outcome !== undefined) {
    const counts = await keepTrying(() => ledger.record(index, attempt.token, outcome));
    if (!counts) {
      note(`Trial ${index}: the result of attempt ${attempt.number} is dropped; another worker has taken over.`);
    }
    if (counts) context.trace?.(`Trial ${index}: recorded as ${outcome.state} (attempt ${attempt.number}).`);
    // Every other trial would fail in the same way, after all its minutes.
    if (outcome.state === 'failed' && Object.keys(outcome.metrics).length > 0) throw new CommandError(outcome.reason!);
    return counts ? 'done' : 'lost';
  }
  const end = leaving.aborted ? 'left' : 'crashed';
  if (end === 'crashed') note(`Trial ${index}: attempt ${attempt.number} died (${signal ?? `exit code ${code}`}).`);
  return (await keepTrying(() => ledger.end(index, attempt.token, end))) ? end : 'lost';
}

/** Follows a run: reports its progress, and ends it where it is hopeless, where the worker leaves, or lost its trial. */
async function watch(
  context: WorkerContext,
  index: number,
  attempt: Attempt,
  folder: string,
  trial: TrialProcess,
): Promise<{ end: ProcessEnd; stopped: string | null } | 'lost'> {
  const { definition, ledger, leaving } = context;
  const over = new AbortController();
  const end = trial.ended.finally(() => over.abort());
  const stop = (): void => trial.stop();
  leaving.addEventListener('abort', stop);
  let stopped: string | null = null;
  let heard = performance.now();
  try {
    for (;;) {
      await sleep(context.interval, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) break;
      const run = findRun(folder, definition.milestone);
      const progress: TrialProgress = run === undefined ? { step: 0, curve: [] } : readCurve(run, definition.metric);
      try {
        if (!(await ledger.note(index, attempt.token, progress))) {
          trial.kill();
          context.note(
            `Trial ${index}: another worker has taken over attempt ${attempt.number}; its run is ended here.`,
          );
          await end;
          return 'lost';
        }
        heard = performance.now();
        if (run !== undefined) await context.checkpoints?.publish(index, attempt, run);
        if (stopped === null && context.advice !== undefined && run !== undefined) {
          stopped = context.advice(await ledger.trials(), index);
          if (stopped !== null) trial.stop();
        }
      } catch (error) {
        // Whoever cannot be heard must assume that the trial has been given to another worker.
        if (performance.now() - heard < definition.lease * 1000) continue;
        trial.kill();
        context.note(
          `Trial ${index}: no answer for ${definition.lease} s (${(error as Error).message}); its run is ended here.`,
        );
        await end;
        return 'lost';
      }
    }
    return { end: await end, stopped };
  } finally {
    leaving.removeEventListener('abort', stop);
  }
}

/** Puts the newest checkpoint of earlier attempts into this attempt's folder. @returns the run folder to resume */
async function carryOver(
  context: WorkerContext,
  index: number,
  { earlier }: BegunAttempt,
  folder: string,
): Promise<string | undefined> {
  const { milestone } = context.definition;
  for (const before of earlier) {
    const to = join(folder, milestone, `from-attempt-${before.number}`);
    const theirs = attemptFolder(before, index);
    const run = ownsFolder(theirs, before) ? findRun(theirs, milestone) : undefined;
    const found = run !== undefined ? copyRun(run, to) : await context.checkpoints?.fetch(index, before, to);
    if (found === true) return to;
  }
  return undefined;
}

function ownsFolder(folder: string, attempt: Attempt): boolean {
  const path = join(folder, 'attempt.json');
  return existsSync(path) && (JSON.parse(readFileSync(path, 'utf8')) as Attempt).token === attempt.token;
}

/** The result of a run that wrote its summary, or was stopped by a rule; undefined for one that got less far. */
function resultOf(
  { metric, milestone }: SweepDefinition,
  run: string | undefined,
  stopped: string | null,
): TrialResult | undefined {
  if (run === undefined) return undefined;
  const { curve } = readCurve(run, metric);
  const path = join(run, 'summary.json');
  if (!existsSync(path)) {
    const last = curve.at(-1);
    if (stopped === null || last === undefined) return undefined;
    return { state: 'stopped', value: last.value, metrics: {}, curve, reason: stopped, minutes: null };
  }
  const { metrics, minutes } = JSON.parse(readFileSync(path, 'utf8')) as Summary;
  const value = metrics[metric];
  if (value === undefined) return { ...failure(missingMetric(milestone, metric, metrics)), metrics, minutes };
  return { state: 'finished', value, metrics, curve, reason: null, minutes };
}

function missingMetric(milestone: string, metric: string, metrics: Record<string, number>): string {
  return `the runs of ${milestone} report no ${metric}; name one of ${Object.keys(metrics).join(', ')} with --metric`;
}

/** Tries until the store answers: a finished result is worth waiting for, and is refused if it comes too late. */
async function keepTrying<T>(action: () => Promise<T>): Promise<T> {
  for (let pause = 100; ; pause = Math.min(2 * pause, 5000)) {
    try {
      return await action();
    } catch (error) {
      if (!isConnectionTrouble(error)) throw error;
      await sleep(pause);
    }
  }
}

/** Whether a store could not be reached; for a folder (a full disk, say) it is not. */
function isConnectionTrouble(error: unknown): boolean {
  const { message, code } = error as NodeJS.ErrnoException;
  return (
    ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT'].includes(code ?? '') ||
    /Connection is closed|Command timed out|Stream isn't writeable|LOADING|max retries/.test(message)
  );
}

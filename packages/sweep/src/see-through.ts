/** Works on a sweep, or watches others work on it, until every trial has a result, and writes the report. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { bestTrial } from '@milestones/core/search';
import { formatNumber, StopSignals } from '@milestones/reproduce';
import { searchOf, type SweepDefinition } from './definition.ts';
import { FolderDocuments } from './documents.ts';
import type { ParsedFlags } from './flags.ts';
import { machineFlags, queueContext } from './join-sweep.ts';
import { Ledger, type SweepTrial, trialHistory } from './ledger.ts';
import { runLanes } from './local-sweep.ts';
import { fillQueue, openQueue, type QueueConnection, serveQueue } from './queue.ts';
import { closeSharedSweep } from './redis-documents.ts';
import { saveReport } from './report.ts';
import { copyRecords } from './show-sweep.ts';
import { formatStatus, LiveText, statusLine } from './status.ts';
import { stopAdvice } from './stop-rules.ts';
import type { WorkerContext } from './work-on-trial.ts';

/** A sweep that is ready to go. */
export interface OpenSweep {
  /** Its folder. */
  folder: string;
  /** What it is. */
  definition: SweepDefinition;
  /** The milestone's reproduce.js. */
  entry: string;
  /** Undefined for a sweep of this machine alone. */
  connection: QueueConnection | undefined;
  /** The command line. */
  flags: ParsedFlags;
  /** How the command is called. */
  prefix: string;
}

/** Sees a sweep through and returns the exit code. */
export async function seeThrough(sweep: OpenSweep): Promise<number> {
  const { folder, definition, connection, flags, prefix } = sweep;
  const live = new LiveText(process.stdout);
  const note = (text: string): void => live.note(text);
  const leaving = new AbortController();
  const signals = new StopSignals(() => {
    note('Stopping: the trials under way save a checkpoint (a second signal stops at once) …');
    leaving.abort();
  });
  const context = makeContext(sweep, leaving.signal, note);
  const watching = new AbortController();
  const watch = follow(sweep, context.ledger, live, watching.signal);
  try {
    note(`Sweep ${definition.name}: ${folder}`);
    if (connection === undefined) {
      await runLanes(context, flags.whole('workers', availableParallelism(), 1));
    } else {
      note(`Join from any machine: ${prefix} worker --queue ${flags.text('queue')} --name ${definition.name}`);
      await superviseQueue(connection, definition, context, flags.whole('workers', 0, 0));
    }
  } finally {
    signals.dispose();
    watching.abort();
    await watch;
  }

  const trials = await context.ledger.trials();
  const done = trials.every(({ result }) => result !== null);
  if (connection !== undefined) {
    await copyRecords(folder, connection, definition);
    if (done) await closeSharedSweep(connection.client, definition.name);
  }
  const report = await saveReport(folder, definition, trials);
  note(statusLine(definition, trials));
  note(`Report: ${report}`);
  if (!done) {
    const others = connection === undefined ? '' : ` --queue ${flags.text('queue')}`;
    note(`Stopped. Continue with: ${prefix} resume ${folder}${others}`);
    return 130;
  }
  return bestTrial(trialHistory(trials), definition.goal) === undefined ? 1 : 0;
}

function makeContext(sweep: OpenSweep, leaving: AbortSignal, note: (text: string) => void): WorkerContext {
  const { folder: place, definition, entry, connection, flags } = sweep;
  if (connection !== undefined) return queueContext(connection, definition, { entry, place, flags, leaving, note });
  return {
    definition,
    ledger: new Ledger(new FolderDocuments(place), searchOf(definition), definition.attempts),
    entry,
    place,
    flags: machineFlags(flags),
    leaving,
    interval: 1000,
    advice: stopAdvice(definition),
    note,
  };
}

/** Fills the queue, works on it where asked to, and waits until every trial has its result. */
async function superviseQueue(
  connection: QueueConnection,
  definition: SweepDefinition,
  context: WorkerContext,
  workers: number,
): Promise<void> {
  const queue = openQueue(connection, definition.name);
  try {
    await fillQueue(queue, context.ledger);
    const own = workers === 0 ? undefined : serveQueue(connection, definition, context, workers);
    const over = new AbortController(); // the workers here have ended, well or not
    void own?.then(
      () => over.abort(),
      () => over.abort(),
    );
    const ended = AbortSignal.any([context.leaving, over.signal]);
    for (let round = 1; !ended.aborted; round++) {
      await sleep(1000, undefined, { signal: ended }).catch(() => undefined);
      try {
        const trials = await context.ledger.trials();
        if (trials.every(({ result }) => result !== null)) break;
        if (round % 30 === 0) await fillQueue(queue, context.ledger);
      } catch {
        // Not reachable at the moment: the connection says so itself, and comes back by itself.
      }
    }
    await own;
    if (!context.leaving.aborted) await queue.obliterate({ force: true });
  } finally {
    await queue.close();
  }
}

/** Draws the table every second and tells of each trial that ended. */
async function follow(sweep: OpenSweep, ledger: Ledger, live: LiveText, ended: AbortSignal): Promise<void> {
  const { definition } = sweep;
  let told: Set<number> | undefined;
  for (let last = false; ; last = ended.aborted) {
    try {
      const trials = await ledger.trials();
      const known = (told ??= new Set(trials.filter(({ result }) => result !== null).map(({ index }) => index)));
      for (const trial of trials) {
        if (trial.result === null || known.has(trial.index)) continue;
        known.add(trial.index);
        live.note(endLine(definition, trial));
      }
      live.draw(last ? '' : formatStatus(definition, trials, { rows: live.rows - 8, width: live.width }));
    } catch {
      // A store that does not answer is told by others; the next second asks again.
    }
    if (last) return;
    await sleep(1000, undefined, { signal: ended }).catch(() => undefined);
  }
}

function endLine({ metric }: SweepDefinition, { index, result, attempts }: SweepTrial): string {
  const { state, value, reason } = result!;
  const again = attempts.length > 1 ? `, ${attempts.length} attempts` : '';
  const what = value === null ? '' : `: ${metric} ${formatNumber(value)}`;
  return `Trial ${index} ${state}${what}${again}${reason === null ? '' : ` (${reason})`}`;
}

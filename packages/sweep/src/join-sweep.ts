/** `sweep worker`: find a shared sweep, make sure that this machine runs the same code, and work on its trials. */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { CommandError, StopSignals } from '@milestones/reproduce';
import { codeVersion, type CodeVersion, showVersion } from './code-version.ts';
import { searchOf, type SweepDefinition } from './definition.ts';
import type { ParsedFlags } from './flags.ts';
import { Ledger } from './ledger.ts';
import { connectQueue, type QueueConnection, serveQueue } from './queue.ts';
import { loadSharedSweep, openSweeps, RedisCheckpoints, RedisDocuments } from './redis-documents.ts';
import { stopAdvice } from './stop-rules.ts';
import type { WorkerContext } from './work-on-trial.ts';

/** Where the command runs: in the repository or as an installed package. */
export interface SweepHost {
  /** The path of a milestone's reproduce.js, built. Throws CommandError where there is no such milestone. */
  locate(milestone: string): string;
  /** How the command is called, such as `pnpm sweep`. */
  prefix: string;
}

/** Works on a shared sweep until all of its trials have results, or a signal asks to leave. */
export async function joinSweep(flags: ParsedFlags, host: SweepHost): Promise<number> {
  const address = flags.text('queue');
  if (address === undefined) {
    throw new CommandError(
      'sweep worker: no --queue arrived; write the address of the shared Redis, redis://host:6379.',
    );
  }
  const note = (text: string): void => console.log(text);
  // The definition says how long an answer may take; to read it, the usual patience must do.
  const first = await connectQueue(address, 30, note);
  let definition: SweepDefinition;
  try {
    definition = await chooseSweep(first, flags.text('name') ?? flags.subject, address);
  } finally {
    first.close();
  }
  const entry = host.locate(definition.milestone);
  requireVersion(definition, codeVersion(entry));

  const connection = await connectQueue(address, definition.lease, note);
  const leaving = new AbortController();
  const signals = new StopSignals(() => {
    note('Leaving: the trials here save a checkpoint and go back into the queue (a second signal leaves at once) …');
    leaving.abort();
  });
  try {
    const workers = flags.whole('workers', availableParallelism(), 1);
    note(`Working on sweep ${definition.name} of ${definition.milestone}, ${workers} trials at a time.`);
    const place = resolve(flags.text('out') ?? 'sweeps', definition.milestone, definition.name);
    mkdirSync(join(place, 'trials'), { recursive: true });
    await serveQueue(
      connection,
      definition,
      queueContext(connection, definition, { entry, place, flags, leaving: leaving.signal, note, trace: note }),
      workers,
    );
    note(leaving.signal.aborted ? 'Left.' : `All trials of ${definition.name} have their results.`);
    return leaving.signal.aborted ? 130 : 0;
  } finally {
    signals.dispose();
    connection.close();
  }
}

/** What a worker of a shared sweep needs. */
export function queueContext(
  connection: QueueConnection,
  definition: SweepDefinition,
  worker: Pick<WorkerContext, 'entry' | 'place' | 'leaving' | 'note' | 'trace'> & { flags: ParsedFlags },
): WorkerContext {
  const { client } = connection;
  return {
    ...worker,
    definition,
    flags: machineFlags(worker.flags),
    ledger: new Ledger(new RedisDocuments(client, definition.name), searchOf(definition), definition.attempts),
    interval: Math.min(2000, (definition.lease * 1000) / 4),
    advice: stopAdvice(definition),
    checkpoints: new RedisCheckpoints(client, definition.name, worker.note),
  };
}

/** The flags of a milestone's command that depend on the machine. */
export function machineFlags(flags: ParsedFlags): string[] {
  const data = flags.text('data');
  return [
    ...(data === undefined ? [] : ['--data', data]),
    ...(flags.text('offline') === undefined ? [] : ['--offline']),
  ];
}

/** Throws CommandError where this machine runs other code than the sweep was started with. */
export function requireVersion({ name, milestone, version }: SweepDefinition, own: CodeVersion): void {
  if (own.code === version.code) return;
  throw new CommandError(
    `sweep ${name}: it was started with ${milestone} ${showVersion(version)}, here is ${showVersion(own)}, and their results ` +
      'would not belong together; check out and build the same version, or start a new sweep.',
  );
}

async function chooseSweep(
  { client }: QueueConnection,
  name: string | undefined,
  address: string,
): Promise<SweepDefinition> {
  const open = await openSweeps(client);
  const chosen = name ?? (open.length === 1 ? open[0] : undefined);
  const definition = chosen === undefined ? undefined : await loadSharedSweep(client, chosen);
  if (definition !== undefined) return definition;
  const list = open.length === 0 ? 'there is none' : `there are ${open.join(', ')}`;
  throw new CommandError(
    name === undefined
      ? open.length === 0
        ? `--queue ${address}: no sweep is open there; start one with: sweep <milestone> --space space.json --queue ${address}.`
        : `--queue ${address}: several sweeps are open there (${open.join(', ')}); choose one with --name.`
      : `--name ${name}: no such sweep is open at ${address} (${list}); check the name.`,
  );
}

/** `sweep <milestone>` and `sweep resume`: check everything, make or open the sweep, and see it through. */
import { readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { CommandError, lockRun } from '@milestones/reproduce';
import { checkSettings } from './check-settings.ts';
import { codeVersion } from './code-version.ts';
import { searchOf, type StopRule, type SweepDefinition } from './definition.ts';
import type { ParsedFlags } from './flags.ts';
import { requireVersion, type SweepHost } from './join-sweep.ts';
import { connectQueue, type QueueConnection } from './queue.ts';
import { createSharedSweep, loadSharedSweep } from './redis-documents.ts';
import { seeThrough } from './see-through.ts';
import { createSweepFolder, findSweep, readDefinition } from './sweep-folder.ts';

/** Starts a sweep. Nothing is written before everything that can be checked is. */
export async function startSweep(flags: ParsedFlags, host: SweepHost): Promise<number> {
  const milestone = flags.subject;
  if (milestone === undefined) {
    throw new CommandError('sweep: no milestone arrived; write sweep <milestone> --space space.json (see --help).');
  }
  const definition = describeSweep(flags, milestone);
  const entry = host.locate(milestone);
  definition.version = codeVersion(entry);
  const address = flags.text('queue');
  const connection =
    address === undefined ? undefined : await connectQueue(address, definition.lease, (text) => console.error(text));
  try {
    await checkSettings(entry, definition);
    const folder = createSweepFolder(flags.text('out') ?? 'sweeps', definition);
    if (connection !== undefined) await announce(connection, definition, folder);
    return await seeThroughLocked(folder, definition, entry, connection, flags, host);
  } finally {
    connection?.close();
  }
}

/** Continues a sweep: the trials without a result, those that were under way from their last checkpoint. */
export async function resumeSweep(flags: ParsedFlags, host: SweepHost): Promise<number> {
  const folder = findSweep(flags.text('out') ?? 'sweeps', flags.subject);
  const definition = readDefinition(folder);
  const entry = host.locate(definition.milestone);
  requireVersion(definition, codeVersion(entry));
  const address = flags.text('queue');
  const connection =
    address === undefined ? undefined : await connectQueue(address, definition.lease, (text) => console.error(text));
  try {
    if (connection !== undefined && (await loadSharedSweep(connection.client, definition.name)) === undefined) {
      throw new CommandError(
        `--queue ${address}: it holds no sweep called ${definition.name}; resume it without --queue, or start a new one.`,
      );
    }
    return await seeThroughLocked(folder, definition, entry, connection, flags, host);
  } finally {
    connection?.close();
  }
}

async function announce(connection: QueueConnection, definition: SweepDefinition, folder: string): Promise<void> {
  try {
    await createSharedSweep(connection.client, definition);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true }); // just made, and empty
    throw error;
  }
}

async function seeThroughLocked(
  folder: string,
  definition: SweepDefinition,
  entry: string,
  connection: QueueConnection | undefined,
  flags: ParsedFlags,
  host: SweepHost,
): Promise<number> {
  const lock = lockRun(folder, 'sweep');
  try {
    return await seeThrough({ folder, definition, entry, connection, flags, prefix: host.prefix });
  } finally {
    lock.release();
  }
}

/** The definition that the flags ask for, all but the version. */
function describeSweep(flags: ParsedFlags, milestone: string): SweepDefinition {
  const file = flags.text('space');
  if (file === undefined) throw new CommandError('sweep: no --space arrived; write --space space.json (see --help).');
  const search = flags.choice('search', ['random', 'grid', 'bayes']);
  const created = new Date().toISOString();
  const stamp = created.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const wanted = {
    search,
    seed: flags.whole('seed', 1, 0),
    goal: flags.choice('goal', ['minimize', 'maximize']),
    space: readSpace(file),
    trials: search === 'grid' && flags.text('trials') === undefined ? undefined : flags.whole('trials', 20, 1),
  };
  const name = flags.text('name') ?? `${search}-${stamp}`;
  if (!/^[A-Za-z0-9][\w.-]{0,79}$/.test(name)) {
    throw new CommandError(
      `--name: ${JSON.stringify(name)} arrived; use letters, digits, dots, dashes and underscores.`,
    );
  }
  const stop = parseStop(flags.text('stop'));
  let trials: number;
  try {
    ({ trials } = searchOf(wanted));
  } catch (error) {
    throw new CommandError(`--space ${basename(file)}: ${(error as Error).message}`);
  }
  return {
    name,
    milestone,
    experiment: flags.text('experiment') ?? null,
    preset: flags.text('preset') ?? null,
    ...wanted,
    trials,
    metric: flags.text('metric') ?? 'validationLoss',
    set: flags.list('set'),
    backend: flags.text('backend') ?? null,
    attempts: flags.whole('attempts', 5, 1),
    stop,
    lease: flags.whole('lease', 30, 1),
    version: { release: '', code: '' },
    created,
  };
}

function readSpace(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CommandError(`--space ${file}: there is no such file; write one (see the package's README).`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(
      `--space ${file}: it is not readable as JSON (${(error as Error).message}); repair the file.`,
    );
  }
}

function parseStop(text: string | undefined): StopRule | null {
  if (text === undefined) return null;
  const [, rule, step] = /^(median|halving)(?::(\d+))?$/.exec(text) ?? [];
  if (rule === 'median') return { rule, step: Number(step ?? 0) };
  if (rule === 'halving' && step !== undefined && Number(step) > 0) return { rule, step: Number(step) };
  throw new CommandError(
    `--stop: ${JSON.stringify(text)} arrived; write median, median:<first step> or halving:<first step>, such as halving:100.`,
  );
}

/** `sweep status` and `sweep report`: what is known of a sweep, from its folder or from the queue. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, StopSignals } from '@milestones/reproduce';
import { searchOf, type SweepDefinition } from './definition.ts';
import { type DocumentStore, FolderDocuments } from './documents.ts';
import type { ParsedFlags } from './flags.ts';
import { Ledger, trialNumber } from './ledger.ts';
import { connectQueue, type QueueConnection } from './queue.ts';
import { loadSharedSweep, openSweeps, RedisDocuments } from './redis-documents.ts';
import { saveReport } from './report.ts';
import { createSweepFolder, findSweep, readDefinition } from './sweep-folder.ts';
import { formatStatus, LiveText } from './status.ts';

/** Prints the table of trials: again every second in a terminal, until all have ended. */
export function showStatus(flags: ParsedFlags): Promise<number> {
  return withSweep(flags, async (definition, ledger) => {
    const live = new LiveText(process.stdout);
    const signals = new StopSignals(() => undefined);
    try {
      for (;;) {
        const trials = await ledger.trials();
        const over = trials.every(({ result }) => result !== null);
        if (!process.stdout.isTTY || over || signals.requested || flags.text('once') !== undefined) {
          live.draw('');
          process.stdout.write(`${formatStatus(definition, trials, { width: live.width })}\n`);
          return 0;
        }
        live.draw(formatStatus(definition, trials, { rows: live.rows - 6, width: live.width }));
        await sleep(1000);
      }
    } finally {
      signals.dispose();
    }
  });
}

/** Writes the report of a sweep as it stands, in its folder. */
export function writeReport(flags: ParsedFlags): Promise<number> {
  return withSweep(flags, async (definition, ledger, place, connection) => {
    let folder = place;
    if (connection !== undefined) {
      const out = flags.text('out') ?? 'sweeps';
      folder = resolve(out, definition.milestone, definition.name);
      if (!existsSync(join(folder, 'sweep.json'))) createSweepFolder(out, definition);
      await copyRecords(folder, connection, definition);
    }
    process.stdout.write(`Report: ${await saveReport(folder, definition, await ledger.trials())}\n`);
    return 0;
  });
}

/** Copies the records of a shared sweep into a folder, so that it can be looked at without the queue. */
export async function copyRecords(
  folder: string,
  { client }: QueueConnection,
  definition: SweepDefinition,
): Promise<void> {
  const from: DocumentStore = new RedisDocuments(client, definition.name);
  const to: DocumentStore = new FolderDocuments(folder);
  const trials = Array.from({ length: definition.trials }, (_, index) => `trials/${trialNumber(index)}`);
  const names = ['settings', ...trials];
  const [texts, present] = [await from.load(names), await to.load(names)];
  for (const [index, name] of names.entries()) {
    if (texts[index] !== null) await to.replace(name, present[index]!, texts[index]!);
  }
}

async function withSweep(
  flags: ParsedFlags,
  action: (
    definition: SweepDefinition,
    ledger: Ledger,
    folder: string,
    connection: QueueConnection | undefined,
  ) => Promise<number>,
): Promise<number> {
  const address = flags.text('queue');
  const open = (definition: SweepDefinition, documents: DocumentStore): Ledger =>
    new Ledger(documents, searchOf(definition), definition.attempts);
  if (address === undefined) {
    const folder = findSweep(flags.text('out') ?? 'sweeps', flags.subject);
    const definition = readDefinition(folder);
    return action(definition, open(definition, new FolderDocuments(folder)), folder, undefined);
  }
  const connection = await connectQueue(address, 30, (text) => console.error(text));
  try {
    const listed = await openSweeps(connection.client);
    const name = flags.subject ?? (listed.length === 1 ? listed[0] : undefined);
    const definition = name === undefined ? undefined : await loadSharedSweep(connection.client, name);
    if (definition === undefined) {
      throw new CommandError(
        `--queue ${address}: ${name === undefined ? 'name a sweep' : `there is no sweep called ${name}`}; open there: ${listed.join(', ') || 'none'}.`,
      );
    }
    return await action(
      definition,
      open(definition, new RedisDocuments(connection.client, definition.name)),
      '',
      connection,
    );
  } finally {
    connection.close();
  }
}

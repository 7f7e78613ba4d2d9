/**
 * What an attempt takes over from an earlier one: the newest whole checkpoint of its run folder and the logs up to there.
 * An attempt never writes into another one's folder, because the other may still be alive behind a broken connection.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readMetrics } from '@milestones/reproduce';
import type { CurvePoint } from '@milestones/core/search';
import { trialNumber } from './ledger.ts';
import type { Attempt } from './trial-record.ts';

/** The folder of one attempt: `<place>/trials/0007/attempt-2`. */
export function attemptFolder({ place, number }: Pick<Attempt, 'place' | 'number'>, index: number): string {
  return join(place, 'trials', trialNumber(index), `attempt-${number}`);
}

/** The run folder that a milestone made below an attempt's folder, if it has got that far. */
export function findRun(attempt: string, milestone: string): string | undefined {
  const parent = join(attempt, milestone);
  if (!existsSync(parent)) return undefined;
  const name = readdirSync(parent).find((entry) => existsSync(join(parent, entry, 'config.json')));
  return name === undefined ? undefined : join(parent, name);
}

/** The newest checkpoint under its final name, as `checkpoints/step-000500`. */
export function newestCheckpoint(run: string): string | undefined {
  const folder = join(run, 'checkpoints');
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder).filter((name) => /^step-\d+$/.test(name));
  const step = (name: string): number => Number(name.slice('step-'.length));
  const newest = names.toSorted((a, b) => step(a) - step(b)).at(-1);
  return newest === undefined ? undefined : `checkpoints/${newest}`;
}

/**
 * Copies what is needed to continue a run into another folder.
 *
 * @returns false where the run has no checkpoint to continue from
 */
export function copyRun(from: string, to: string): boolean {
  for (let attempt = 0; attempt < 5; attempt++) {
    const checkpoint = newestCheckpoint(from);
    if (checkpoint === undefined) return false;
    try {
      cpSync(join(from, checkpoint), join(to, checkpoint), { recursive: true });
      mkdirSync(join(to, 'samples'), { recursive: true });
      // After the checkpoint: the logs only grow, so that they hold at least what it says of them. config.json comes
      // last, because a folder with it counts as a run.
      for (const path of filesBeside(from)) copyFileSync(join(from, path), join(to, path));
      return true;
    } catch (error) {
      // The run goes on, and has just removed this checkpoint in favour of a newer one.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return false;
}

/** The same files as one piece of bytes, for a worker that does not share a disk; undefined without a checkpoint. */
export function packRun(from: string): Buffer | undefined {
  const checkpoint = newestCheckpoint(from);
  if (checkpoint === undefined) return undefined;
  try {
    const names = readdirSync(join(from, checkpoint), { recursive: true, withFileTypes: true });
    const inside = names
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(from.length + 1)
          .replaceAll('\\', '/'),
      );
    const files = [...inside, ...filesBeside(from)].map((path) => ({ path, bytes: readFileSync(join(from, path)) }));
    const list = Buffer.from(JSON.stringify(files.map(({ path, bytes }) => [path, bytes.length])));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(list.length);
    return Buffer.concat([length, list, ...files.map(({ bytes }) => bytes)]);
  } catch (error) {
    // Replaced by a newer checkpoint meanwhile: the next call packs that one.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes what `packRun` packed. Throws for names that lead out of the folder. */
export function unpackRun(packed: Buffer, to: string): void {
  const start = 4 + packed.readUInt32LE(0);
  const list = JSON.parse(packed.toString('utf8', 4, start)) as [path: string, length: number][];
  let at = start;
  for (const [path, length] of list) {
    if (path.startsWith('/') || path.split('/').includes('..') || path.includes(':')) {
      throw new Error(`sweep: a checkpoint in the queue names the file ${path}; somebody else wrote to this queue.`);
    }
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), packed.subarray(at, at + length));
    at += length;
  }
  mkdirSync(join(to, 'samples'), { recursive: true });
}

/** Files of a run that continue it, beside the checkpoint; config.json last. */
function filesBeside(run: string): string[] {
  const logs = readdirSync(run).filter((name) => name === 'metrics.jsonl' || name.startsWith('events.out.tfevents.'));
  const samples = existsSync(join(run, 'samples')) ? readdirSync(join(run, 'samples')) : [];
  const visible = samples.filter((name) => !name.startsWith('.')).map((name) => `samples/${name}`);
  return [...logs, ...visible, 'environment.json', 'config.json'];
}

/** The logged values of a metric, at most about a hundred of them. */
export function readCurve(run: string, metric: string): { step: number; curve: CurvePoint[] } {
  const records = readMetrics(run);
  const points = records.flatMap((record) =>
    typeof record[metric] === 'number' ? [{ step: record.step, value: record[metric] }] : [],
  );
  const every = Math.ceil(points.length / 100);
  const curve = points.filter((_, index) => index % every === 0 || index === points.length - 1);
  return { step: records.at(-1)?.step ?? 0, curve };
}

/**
 * The folder of a sweep, `<out>/<milestone>/<name>/`:
 *
 *   sweep.json      what it is; the folder appears together with it, or not at all
 *   settings.json   what each begun trial was given
 *   trials/0007.json, trials/0007/attempt-1/…   its record, and the run folders of its attempts
 *   REPORT.md, summary.json, best.svg           written at the end, and by `sweep report`
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError } from '@milestones/reproduce';
import type { SweepDefinition } from './definition.ts';

const definitionFile = 'sweep.json';

/** Makes the folder of a new sweep. Throws where there is one of this name. */
export function createSweepFolder(out: string, definition: SweepDefinition): string {
  const parent = resolve(out, definition.milestone);
  const folder = join(parent, definition.name);
  mkdirSync(parent, { recursive: true });
  const temporary = mkdtempSync(join(parent, '.new-'));
  chmodSync(temporary, 0o777 & ~process.umask());
  mkdirSync(join(temporary, 'trials'));
  writeFileSync(join(temporary, definitionFile), `${JSON.stringify(definition, null, 2)}\n`);
  try {
    if (existsSync(join(folder, definitionFile))) throw new SameNameError(folder, definition.name);
    renameSync(temporary, folder);
    return folder;
  } catch (error) {
    const taken = ['EEXIST', 'ENOTEMPTY', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw taken ? new SameNameError(folder, definition.name) : error;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Two sweeps of one name would mix their trials. */
export class SameNameError extends CommandError {
  constructor(place: string, name: string) {
    super(
      `--name ${name}: there is a sweep of this name in ${place}; continue it with: sweep resume ${name}, or choose another name.`,
    );
  }
}

/** Reads sweep.json. */
export function readDefinition(folder: string): SweepDefinition {
  const path = join(folder, definitionFile);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SweepDefinition;
  } catch (error) {
    throw new CommandError(`sweep: ${path} is not readable (${(error as Error).message}); name another sweep.`);
  }
}

/**
 * The folder of a sweep: by its path, by its name below `out`, or the latest one there.
 *
 * @throws CommandError that lists what there is
 */
export function findSweep(out: string, typed: string | undefined): string {
  if (typed !== undefined && existsSync(join(typed, definitionFile))) return resolve(typed);
  const all = listSweeps(out);
  const named = typed === undefined ? all.slice(0, 1) : all.filter(({ name }) => name === typed);
  if (named.length === 1) return named[0]!.folder;
  const listed = all.map(({ folder }) => folder).join(', ') || 'none';
  if (named.length > 1) {
    throw new CommandError(`sweep: several sweeps are called ${typed}; give a folder: ${listed}.`);
  }
  throw new CommandError(
    typed === undefined
      ? `sweep: there is no sweep in ${resolve(out)}; start one with: sweep <milestone> --space space.json.`
      : `sweep: there is no sweep called ${typed} in ${resolve(out)} (there: ${listed}); check the name, or --out.`,
  );
}

/** All sweeps below `out`, the latest first. */
function listSweeps(out: string): { name: string; folder: string }[] {
  if (!existsSync(out)) return [];
  const folders = readdirSync(out).flatMap((milestone) => {
    const parent = resolve(out, milestone);
    if (!statSync(parent).isDirectory()) return [];
    const names = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return names.map((entry) => join(parent, entry.name));
  });
  return folders
    .filter((folder) => existsSync(join(folder, definitionFile)))
    .map((folder) => ({ folder, ...readDefinition(folder) }))
    .toSorted((a, b) => b.created.localeCompare(a.created))
    .map(({ folder, name }) => ({ folder, name }));
}

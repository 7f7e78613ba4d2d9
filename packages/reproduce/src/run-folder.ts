/**
 * The folder of one run: `<out>/<milestone>/<preset>-seed<seed>-<stamp>/`.
 * It appears under its name complete with config.json and environment.json, or not at all.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { CommandError } from './command/command-error.ts';

/** A difference between a run's configuration and the schema's defaults, with its reason. */
export interface ConfigChange {
  /** Dotted key. */
  key: string;
  value: unknown;
  /** The schema's default: the paper's value. */
  default: unknown;
  why: string;
}

/** Content of config.json. */
export interface RunConfig {
  milestone: string;
  preset: string;
  seed: number;
  /** The engine that `useBackend` chose; a resumed run asks for the same one. */
  engine: string | null;
  /** The `--set` arguments of the command. */
  set: string[];
  /** The resolved configuration. */
  config: unknown;
  /** Its differences from the schema's defaults, with reasons. */
  differences: ConfigChange[];
  /** Values changed in mid-run by `--resume --change-config`: from which step on, and what. */
  changed: { step: number; key: string; from: unknown; to: unknown }[];
}

const configFile = 'config.json';

/**
 * Makes a new run folder holding the given JSON files and returns its path. The stamp is the start in UTC, to the second;
 * a second run within the same second gets `-2` appended.
 */
export function createRunFolder(
  out: string,
  config: RunConfig,
  files: Readonly<Record<string, unknown>>,
  now: Date = new Date(),
): string {
  const parent = join(out, config.milestone);
  mkdirSync(parent, { recursive: true });
  const temporary = mkdtempSync(join(parent, '.new-'));
  chmodSync(temporary, 0o777 & ~process.umask()); // mkdtemp keeps everybody else out; results are to be shared.
  for (const [name, content] of Object.entries({ [configFile]: config, ...files })) {
    writeFileSync(join(temporary, name), jsonText(content));
  }
  for (const name of ['checkpoints', 'samples']) mkdirSync(join(temporary, name));
  const stamp = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  for (let attempt = 1; ; attempt++) {
    const folder = join(parent, `${config.preset}-seed${config.seed}-${stamp}${attempt === 1 ? '' : `-${attempt}`}`);
    if (existsSync(folder)) continue;
    try {
      renameSync(temporary, folder);
      return folder;
    } catch (error) {
      // Another process took the name between the question and the rename.
      if (!['EEXIST', 'ENOTEMPTY', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '') || attempt > 100)
        throw error;
    }
  }
}

/** The newest run folder of this milestone, preset and seed, or undefined. */
export function findLatestRun(out: string, milestone: string, preset: string, seed: number): string | undefined {
  const parent = join(out, milestone);
  if (!existsSync(parent)) return undefined;
  const start = `${preset}-seed${seed}-`;
  // Sorted by stamp, then by the counter that separates runs of one second: `…-101500`, `…-101500-2`, `…-101500-10`.
  const order = (name: string): [string, number] => {
    const [day = '', time = '', counter = '1'] = name.slice(start.length).split('-');
    return [`${day}-${time}`, Number(counter)];
  };
  const names = readdirSync(parent).filter(
    (name) => name.startsWith(start) && existsSync(join(parent, name, configFile)),
  );
  names.sort((a, b) => order(a)[0].localeCompare(order(b)[0], 'en') || order(a)[1] - order(b)[1]);
  const latest = names.at(-1);
  return latest === undefined ? undefined : join(parent, latest);
}

/** Reads config.json of a run folder. Throws CommandError where the folder is none. */
export function readRunConfig(folder: string): RunConfig {
  const path = join(folder, configFile);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new CommandError(
      `--resume ${folder}: there is no run (${configFile} is missing); name a folder such as runs/<milestone>/${basename(folder)}, or use --resume latest.`,
    );
  }
  try {
    return JSON.parse(text) as RunConfig;
  } catch (error) {
    throw new CommandError(
      `--resume ${folder}: ${configFile} is not readable (${(error as Error).message}); start a new run without --resume.`,
    );
  }
}

/** JSON as every file of a run folder has it: two spaces, a final newline. */
export function jsonText(content: unknown): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

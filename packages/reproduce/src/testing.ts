/**
 * What the tests of a milestone's command share: run it in this process, with settings that make it short, and look into
 * the folder it wrote. Nothing here needs a test framework.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** How a command ended. */
export interface CommandOutput {
  /** Its exit code. */
  code: number;
  stdout: string;
  stderr: string;
  /** Both streams in the order in which they were written. */
  printed: string;
}

/**
 * Runs something in this process and collects what it prints in the meantime, which does not reach the terminal.
 *
 * @param action resolves to an exit code; what it throws is thrown on, with the streams as they were
 */
export async function captureOutput(action: () => Promise<number>): Promise<CommandOutput> {
  const output = { stdout: '', stderr: '', printed: '' };
  const restore = (['stdout', 'stderr'] as const).map((stream) => {
    const { write } = process[stream];
    process[stream].write = (text: string | Uint8Array, ...rest: unknown[]): boolean => {
      const added = typeof text === 'string' ? text : Buffer.from(text).toString();
      output[stream] += added;
      output.printed += added;
      // write(text, callback) and write(text, encoding, callback): whoever waits for the write is told.
      const callback = rest.at(-1);
      if (typeof callback === 'function') callback();
      return true;
    };
    return (): void => {
      process[stream].write = write;
    };
  });
  try {
    return { code: await action(), ...output };
  } finally {
    for (const undo of restore) undo();
  }
}

/**
 * Runs a command's file as a shell would: with these arguments in `process.argv`, and the exit code that it leaves in
 * `process.exitCode`.
 *
 * @param load evaluates the file, anew on each call
 */
export function captureProgram(
  name: string,
  argv: readonly string[],
  load: () => Promise<unknown>,
): Promise<CommandOutput> {
  return captureOutput(async () => {
    const { argv: own, exitCode } = process;
    process.argv = [own[0]!, name, ...argv];
    try {
      await load();
      return Number(process.exitCode ?? 0);
    } finally {
      process.argv = own;
      process.exitCode = exitCode;
    }
  });
}

/** `{ 'training.steps': 6 }` → `['--set', 'training.steps=6']` */
export function settingFlags(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${String(value)}`]);
}

/**
 * The only run folder of a milestone below `out`.
 *
 * @throws when there is none, or more than one
 */
export function onlyRunFolder(out: string, milestone: string): string {
  const names = readdirSync(join(out, milestone));
  if (names.length !== 1) {
    throw new Error(`onlyRunFolder: ${join(out, milestone)} holds [${names.join(', ')}]; one run was wanted.`);
  }
  return join(out, milestone, names[0]!);
}

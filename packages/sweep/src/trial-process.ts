/** One run in a process of its own. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The program of the process, as text: so it starts alike from sources and from the built package. It is tied to its worker
 * by a channel: when the worker is gone, however that happened, the run saves a checkpoint and stops.
 */
const program = `
const [entry, ...argv] = process.argv.slice(1);
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(130), 60_000).unref();
});
process.channel?.unref();
const { main } = await import(entry);
process.exitCode = await main(argv);
setTimeout(() => process.exit(), 2000).unref();
`;

/** How a process ended: by itself with an exit code, or by a signal. */
export interface ProcessEnd {
  /** Null after a signal. */
  code: number | null;
  /** Null after an exit. */
  signal: NodeJS.Signals | null;
}

/** A run under way. */
export interface TrialProcess {
  /** Resolves at its end; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Asks it to save a checkpoint and stop; ends it by force when it does not within half a minute. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

/** Starts a milestone's command. @param output the file that takes what it prints */
export function startTrial(entry: string, argv: readonly string[], output: string): TrialProcess {
  mkdirSync(dirname(output), { recursive: true });
  const file = openSync(output, 'a');
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', program, '--', pathToFileURL(entry).href, ...argv],
    {
      stdio: ['ignore', file, file, 'ipc'],
      // A group of its own: Ctrl-C reaches the sweep alone, which then asks once. Twice would end runs without a checkpoint.
      detached: process.platform !== 'win32',
    },
  );
  closeSync(file);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('error', () => resolve({ code: 1, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  let asked = false;
  return {
    ended,
    stop() {
      if (asked) return;
      asked = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
      void ended.then(() => clearTimeout(timer));
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** The last lines that a process printed, in one line: the reason of a failure. */
export function lastWords(output: string): string {
  const lines = readFileSync(output, 'utf8').split('\n');
  const errors = lines.filter((line) => line.startsWith('Error: '));
  return (errors.at(-1)?.slice('Error: '.length) ?? lines.findLast((line) => line.trim() !== '') ?? 'no output').trim();
}

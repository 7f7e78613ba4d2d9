/** The frame around a milestone's main function: errors become messages and exit codes; help and dry run are printed. */
import { formatNumber, formatTable } from '../table.ts';
import { CommandError } from './command-error.ts';
import type { Command } from './parse-command.ts';
import { showValue } from './schema-keys.ts';

/**
 * Runs the body of a command and returns its exit code: 0 done and all targets met, 1 a target missed or the run failed,
 * 2 a mistake on the command line, 130 stopped by a signal. Never throws. Errors are told in their own words, faults of
 * the program (TypeError and the like) with their stack; `MILESTONES_DEBUG=1` shows the stack of every error.
 */
export async function runMain(body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    return error instanceof CommandError ? 2 : 1;
  }
}

/**
 * Answers `--help` and `--dry-run` on stdout. Returns true where one of them was asked for, and the command is done.
 * `facts` come from the configuration alone: no weights are allocated and no data is loaded for them.
 */
export function describeCommand(command: Command<unknown>, facts: { parameters: number; steps: number }): boolean {
  if (command.help !== undefined) {
    process.stdout.write(command.help);
    return true;
  }
  if (command.dryRun) process.stdout.write(formatDryRun(command, facts));
  return command.dryRun;
}

function formatDryRun(command: Command<unknown>, facts: { parameters: number; steps: number }): string {
  const changes = new Map(command.changes.map((change) => [change.key, change]));
  const rows = command.settings.map(([key, value]) => {
    const change = changes.get(key);
    return [key, showValue(value), change ? showValue(change.default) : '', change?.why ?? ''];
  });
  const minutes = command.expectedMinutes;
  return [
    `${command.title}: preset ${command.preset}, seed ${command.seed}`,
    command.presetWhy,
    '',
    formatTable(['key', 'value', 'default', 'why'], rows, { width: process.stdout.columns || 120 }),
    '',
    `parameters        ${formatNumber(facts.parameters)}`,
    `steps             ${formatNumber(facts.steps)}`,
    `expected minutes  ${minutes === undefined ? 'not stated by the preset' : formatNumber(minutes)}`,
    `targets           ${command.targets.length}`,
    `command           ${command.line}`,
    '',
  ].join('\n');
}

function formatError(error: unknown): string {
  if (!(error instanceof Error)) return `Error: ${String(error)}`;
  const programming = [TypeError, ReferenceError, SyntaxError, RangeError].some((type) => error.constructor === type);
  if (error.stack !== undefined && (programming || process.env.MILESTONES_DEBUG)) return error.stack;
  return `Error: ${error.message}`;
}

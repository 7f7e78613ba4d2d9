/** The frame around a milestone's main function: help, dry run, and errors turned into messages and exit codes. */
import type { z } from 'zod';
import { formatNumber, formatTable } from '../table.ts';
import { CommandError } from './command-error.ts';
import { type Command, type CommandOptions, parseCommand } from './parse-command.ts';
import { flattenConfig, listSchemaKeys, showValue } from './schema-keys.ts';

export interface MilestoneCommand<Schema extends z.ZodType> extends CommandOptions<Schema> {
  /**
   * Size of the run, without allocating weights or loading data. Called before the run too, so that a configuration that
   * cannot work (130 features, 4 heads) is refused at once.
   */
  describe(config: z.output<Schema>): { parameters: number; steps: number };
  /** Data, model, loop, `run.finish`; returns the exit code. */
  run(command: Command<z.output<Schema>>): Promise<number>;
}

/**
 * Runs a milestone's command line and returns its exit code: 0 done and all targets met, 1 a target missed or the run
 * failed, 2 a mistake on the command line, 130 stopped by a signal. Never throws.
 */
export async function runCommand<Schema extends z.ZodType>(milestone: MilestoneCommand<Schema>): Promise<number> {
  try {
    const command = parseCommand(milestone);
    if (command.help !== undefined) {
      process.stdout.write(command.help);
      return 0;
    }
    const size = describeOrRefuse(milestone, command.config);
    if (command.dryRun) {
      process.stdout.write(formatDryRun(command, milestone.schema, size));
      return 0;
    }
    return await milestone.run(command);
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    return error instanceof CommandError ? 2 : 1;
  }
}

function describeOrRefuse<Schema extends z.ZodType>(
  milestone: MilestoneCommand<Schema>,
  config: z.output<Schema>,
): { parameters: number; steps: number } {
  try {
    return milestone.describe(config);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    throw new CommandError(`configuration: ${(error as Error).message} Change it with --set key=value (see --help).`, {
      cause: error,
    });
  }
}

function formatDryRun(
  command: Command<unknown>,
  schema: z.ZodType,
  size: { parameters: number; steps: number },
): string {
  const changes = new Map(command.changes.map((change) => [change.key, change]));
  const rows = flattenConfig(command.config, listSchemaKeys(schema)).map(([key, value]) => {
    const change = changes.get(key);
    return [key, showValue(value), change ? showValue(change.default) : '', change?.why ?? ''];
  });
  return [
    `${command.title}: preset ${command.preset}, seed ${command.seed}`,
    command.presetWhy,
    '',
    formatTable(['key', 'value', 'paper', 'why'], rows, { width: process.stdout.columns || 120 }),
    '',
    `parameters        ${formatNumber(size.parameters)}`,
    `steps             ${formatNumber(size.steps)}`,
    `expected minutes  ${command.expectedMinutes === undefined ? 'not stated by the preset' : formatNumber(command.expectedMinutes)}`,
    `targets           ${command.targets.length}`,
    `command           ${command.line}`,
    '',
  ].join('\n');
}

/** Faults of the program keep their stack trace; everything else is told in its own words. */
function isProgrammingError(error: unknown): boolean {
  const programming = [TypeError, ReferenceError, SyntaxError, RangeError];
  return !(error instanceof Error) || programming.some((type) => error.constructor === type);
}

function formatError(error: unknown): string {
  if (!(error instanceof Error)) return `Error: ${String(error)}`;
  if (!(error instanceof CommandError) && (isProgrammingError(error) || process.env.MILESTONES_DEBUG))
    return error.stack ?? error.message;
  return `Error: ${error.message}`;
}

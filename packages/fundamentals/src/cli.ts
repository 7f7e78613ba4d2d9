#!/usr/bin/env node
/** The command `fundamentals`: `reproduce` runs experiments, `list` names them. */
import { CommandError, runMain } from '@milestones/reproduce';
import { main as reproduce } from './reproduce.ts';

const usage = `fundamentals reproduce                                    every experiment, briefly
fundamentals reproduce --experiment <name> [flags]        one experiment; --preset quick or laptop, and the usual flags
fundamentals list                                         name, family and claim of each
fundamentals reproduce --experiment <name> --help         flags and settings of one
`;

const [verb, ...rest] = process.argv.slice(2);
process.exitCode = await runMain(async () => {
  if (verb === 'reproduce') return reproduce(rest);
  if (verb === 'list') return reproduce(['--list', ...rest]);
  if (verb !== undefined && !['--help', '-h'].includes(verb)) {
    throw new CommandError(`fundamentals: '${verb}' is not a command; there are reproduce and list.`);
  }
  process.stdout.write(usage);
  return 0;
});

/** The command: `sweep <milestone> …`, `sweep resume`, `sweep worker`, `sweep status`, `sweep report`. */
import { runMain } from '@milestones/reproduce';
import { helpText, parseFlags } from './flags.ts';
import { joinSweep, type SweepHost } from './join-sweep.ts';
import { showStatus, writeReport } from './show-sweep.ts';
import { resumeSweep, startSweep } from './start-sweep.ts';

/**
 * Runs one command line.
 *
 * @param argv what follows the command's name
 * @returns the exit code: 0 when every trial has a result and one of them finished, 1 when none did or the sweep failed, 2 for
 *   a mistake on the command line, 130 when it was stopped
 */
export function main(argv: readonly string[], host: SweepHost): Promise<number> {
  return runMain(async () => {
    const flags = parseFlags(argv.filter((argument) => argument !== '--'));
    const { verb, subject } = flags;
    if (flags.text('help') !== undefined || (verb === 'start' && subject === undefined && argv.length === 0)) {
      process.stdout.write(helpText(host.prefix));
      return 0;
    }
    if (verb === 'worker') return joinSweep(flags, host);
    if (verb === 'status') return showStatus(flags);
    if (verb === 'report') return writeReport(flags);
    return verb === 'resume' ? resumeSweep(flags, host) : startSweep(flags, host);
  });
}

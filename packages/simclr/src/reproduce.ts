/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { useBackend, type EngineName } from '@milestones/backend';
import { describeCommand, loaderOptions, openRun, parseCommand, runMain } from '@milestones/reproduce';
import { configSchema } from './config.ts';
import { deviations } from './deviations.ts';
import { netsOf } from './experiments.ts';
import { SimCLR } from './model.ts';
import { loadImages } from './node/images.ts';
import { trainAndReport } from './node/nets-run.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'simclr',
      title: 'Contrastive learning of visual representations (Chen et al. 2020)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const nets = netsOf(command.config);
    const facts = {
      parameters: nets.reduce((sum, { model }) => sum + new SimCLR(model).parameterCount(), 0),
      steps: nets.length * command.config.training.steps,
    };
    if (describeCommand(command, facts)) return 0;

    const engine = await useBackend(command.backend as EngineName | undefined);
    const images = await loadImages(command.config.data, command.seed, loaderOptions(command));
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    try {
      return await trainAndReport(command, run, nets, images);
    } finally {
      run.close();
    }
  });
}

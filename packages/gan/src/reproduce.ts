/**
 * One run from the command line: parse → seed → engine → data → train → evaluate → report. Node only.
 */
import { useBackend, type EngineName } from '@milestones/backend';
import {
  describeCommand,
  loaderOptions,
  openRun,
  parseCommand,
  runMain,
  type Command,
  type Run,
} from '@milestones/reproduce';
import { configSchema, type RunConfig } from './config.ts';
import { DcganDiscriminator, DcganGenerator } from './dcgan.ts';
import { deviations } from './deviations.ts';
import { runImages } from './node/images-run.ts';
import { runGaussian } from './node/gaussian-run.ts';
import { runParzen } from './node/parzen-run.ts';
import { ScalarNetwork } from './gaussian.ts';
import { Discriminator, Generator } from './model.ts';
import { loadImages } from './node/images.ts';
import type { Players } from './train.ts';

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    const command = parseCommand({
      milestone: 'gan',
      title: 'Generative adversarial networks (Goodfellow et al. 2014)',
      schema: configSchema,
      presets: new URL('../presets/', import.meta.url),
      argv,
    });
    const facts = factsOf(command.config);
    if (describeCommand(command, facts)) return 0;
    const engine = await useBackend(command.backend as EngineName | undefined);
    const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
    try {
      return await play(command, run);
    } finally {
      run.close();
    }
  });
}

/** Builds the two players that a configuration names, without allocating. */
function playersOf({ experiment, model, dcgan }: RunConfig): Players {
  if (experiment === 'dcgan') {
    return { generator: new DcganGenerator(dcgan), discriminator: new DcganDiscriminator(dcgan) };
  }
  return { generator: new Generator(model), discriminator: new Discriminator(model) };
}

function factsOf(config: RunConfig): { parameters: number; steps: number } {
  if (config.experiment === 'parzen') return { parameters: 0, steps: config.evaluation.kMeansIterations };
  if (config.experiment === 'gaussian') {
    return { parameters: 2 * new ScalarNetwork(config.gaussian.hidden).parameterCount(), steps: config.gaussian.steps };
  }
  const { generator, discriminator } = playersOf(config);
  return { parameters: generator.parameterCount() + discriminator.parameterCount(), steps: config.training.steps };
}

async function play(command: Command<RunConfig>, run: Run): Promise<number> {
  const { config, seed } = command;
  if (config.experiment === 'gaussian') return runGaussian(config, seed, run);
  const images = await loadImages(config.data, seed, loaderOptions(command));
  if (config.experiment === 'parzen') return runParzen(config, seed, run, images);
  const players = playersOf(config);
  try {
    return await runImages(config, seed, run, images, players);
  } finally {
    players.generator.dispose();
    players.discriminator.dispose();
  }
}

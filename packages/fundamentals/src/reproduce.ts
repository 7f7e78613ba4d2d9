/**
 * Experiments from the command line. Node only.
 *
 *   reproduce fundamentals                                      every experiment briefly, one report
 *   reproduce fundamentals --experiment <name> --preset laptop  one experiment
 *   reproduce fundamentals --list                               all of them
 */
import { useBackend } from '@milestones/backend';
import {
  CommandError,
  describeCommand,
  formatTable,
  loaderOptions,
  nearestName,
  openRun,
  parseCommand,
  readRunConfig,
  runMain,
  type Run,
} from '@milestones/reproduce';
import * as v from 'valibot';
import type { Experiment, Mode } from './experiment.ts';
import { experiments, families } from './experiments.ts';
import { presetContents, presetName } from './node/preset-contents.ts';
import { runOne } from './node/run-one.ts';
import { runTour, tourFacts, tourTargets } from './node/run-tour.ts';

const presets = new URL('../presets/', import.meta.url);

/** Runs `reproduce` with the arguments after it, and returns the exit code. */
export function main(argv: string[]): Promise<number> {
  return runMain(async () => {
    if (argv.includes('--list')) return list();
    const [named, rest] = takeFlag(argv, 'experiment');
    const name = named ?? resumedExperiment(rest);
    return name === undefined ? tour(rest) : one(findExperiment(name), rest);
  });
}

async function one(experiment: Experiment, argv: readonly string[]): Promise<number> {
  const [typed, rest] = takeFlag(argv, 'preset');
  const mode = typed === undefined ? undefined : findMode(experiment, typed);
  const parsed = parseCommand({
    milestone: 'fundamentals',
    title: `${experiment.title} (${experiment.paper})`,
    schema: experiment.schema,
    defaults: 'ours', // the paper's settings stand among the deviations
    presets,
    presetContents: presetContents(experiment),
    argv: mode === undefined ? rest : [...rest, '--preset', presetName(experiment.name, mode)],
  });
  const command = {
    ...parsed,
    line: parsed.line.replace(
      ` --preset ${parsed.preset} `,
      ` --experiment ${experiment.name} --preset ${parsed.preset === experiment.name ? 'laptop' : 'quick'} `,
    ),
  };
  const facts = experiment.size(command.config);
  if (describeCommand(command, facts)) return 0;
  const engine = await useBackend(command.backend);
  const deviations = experiment.deviations ?? [];
  const run = await openRun(command, { engine, parameters: facts.parameters, deviations });
  return closing(run, () => runOne(experiment, command, run, loaderOptions(command)));
}

async function tour(argv: readonly string[]): Promise<number> {
  const parsed = parseCommand({
    milestone: 'fundamentals',
    title: 'Fundamentals: the techniques of the field. One of them: --experiment <name>; their names: --list',
    schema: v.strictObject({}),
    defaults: 'ours',
    presets,
    argv,
  });
  const command = { ...parsed, targets: tourTargets() };
  const facts = tourFacts();
  if (describeCommand(command, facts)) return 0;
  const engine = await useBackend(command.backend);
  const run = await openRun(command, { engine, parameters: facts.parameters });
  return closing(run, () => runTour(command.seed, run));
}

async function closing(run: Run, action: () => Promise<number>): Promise<number> {
  try {
    return await action();
  } finally {
    run.close();
  }
}

function list(): number {
  const rows = families.flatMap((family) =>
    family.experiments.map(({ name, claim, presets: { quick, laptop } }) => [
      name,
      family.name,
      claim,
      `${quick.minutes}${laptop === undefined ? '' : `, ${laptop.minutes}`}`,
    ]),
  );
  const width = process.stdout.columns || 120;
  process.stdout.write(
    `${formatTable(['experiment', 'family', 'claim', 'minutes: quick, laptop'], rows, { align: 'lllr', width })}\n`,
  );
  return 0;
}

/** The value of `--name value` or `--name=value`, and the arguments without it. */
function takeFlag(argv: readonly string[], name: string): [string | undefined, string[]] {
  const at = argv.findIndex((argument) => argument === `--${name}` || argument.startsWith(`--${name}=`));
  if (at < 0) return [undefined, [...argv]];
  const joined = argv[at]!.startsWith(`--${name}=`);
  const value = joined ? argv[at]!.slice(name.length + 3) : argv[at + 1];
  if (value === undefined || value === '' || (!joined && value.startsWith('--'))) {
    throw new CommandError(`--${name}: no value arrived; write --${name} <name>.`);
  }
  return [value, argv.toSpliced(at, joined ? 1 : 2)];
}

/** The experiment whose run folder `--resume` names. */
function resumedExperiment(argv: readonly string[]): string | undefined {
  if (!argv.some((argument) => /^--resume=?/.test(argument))) return undefined;
  const next = argv[argv.indexOf('--resume') + 1];
  const bare = argv.includes('--resume') && (next === undefined || next.startsWith('--'));
  const folder = bare ? 'latest' : takeFlag(argv, 'resume')[0]!;
  if (folder === 'latest') {
    throw new CommandError('--resume latest: of which experiment? Add --experiment <name>, or name the run folder.');
  }
  const { preset } = readRunConfig(folder);
  if (preset === 'quick') {
    throw new CommandError(`--resume ${folder}: it went through all experiments; start it anew, it takes a minute.`);
  }
  return preset.replace(/-quick$/, '');
}

function findExperiment(name: string): Experiment {
  const found = experiments.find((experiment) => experiment.name === name);
  if (found !== undefined) return found;
  const near = nearestName(
    name,
    experiments.map((experiment) => experiment.name),
  );
  throw new CommandError(
    `--experiment: there is none called ${JSON.stringify(name)}; ${near === undefined ? '' : `did you mean ${near}? `}--list names them all.`,
  );
}

function findMode({ name, presets: own }: Experiment, typed: string): Mode {
  if (Object.hasOwn(own, typed)) return typed as Mode;
  throw new CommandError(
    `--preset: ${name} has no preset ${JSON.stringify(typed)}; choose from ${Object.keys(own).join(', ')}.`,
  );
}

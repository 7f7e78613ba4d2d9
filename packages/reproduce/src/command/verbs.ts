/** What the command of a package is made of besides `reproduce`: its verbs, their flags, and the verb `export`. */
import { parseArgs } from 'node:util';
import { useBackend } from '@milestones/backend';
import { CommandError } from './command-error.ts';
import { runMain } from './run-main.ts';

/** What a verb does with the arguments after it; resolves to an exit code. */
export type Verb = (argv: string[]) => Promise<number>;

/**
 * Runs a command by this process's arguments, `<name> <verb> …`, and leaves its exit code in `process.exitCode`. Without a
 * verb, and for `--help`, it prints `usage`; `reproduce` has a help of its own.
 *
 * @param verbs in the order in which an unknown verb's message lists them
 */
export async function runVerbs(name: string, usage: string, verbs: Readonly<Record<string, Verb>>): Promise<void> {
  const [verb, ...rest] = process.argv.slice(2);
  process.exitCode = await runMain(async () => {
    const isKnown = verb !== undefined && Object.hasOwn(verbs, verb);
    if (isKnown && (verb === 'reproduce' || !rest.includes('--help'))) return verbs[verb]!(rest);
    if (!isKnown && verb !== undefined && verb !== '--help' && verb !== '-h') {
      const names = Object.keys(verbs);
      const list = [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' and ');
      throw new CommandError(`${name}: '${verb}' is not a command; there are ${list}.`);
    }
    process.stdout.write(usage);
    return 0;
  });
}

/** What {@link parseVerbFlags} found: a flag that was not given is not there. */
export interface VerbFlags<Flag extends string> {
  values: Partial<Record<Flag, string>>;
  positionals: string[];
}

/**
 * The arguments of a verb; every flag takes a text.
 *
 * @param where begins the message of an error
 * @param takesOthers whether the verb takes arguments that are no flags
 * @throws {@link CommandError} for a flag that is not one of `flags` or has no value, and an argument that is not wanted; the message
 * ends with `usage`
 */
export function parseVerbFlags<const Flag extends string>(
  where: string,
  usage: string,
  flags: readonly Flag[],
  argv: string[],
  takesOthers = false,
): VerbFlags<Flag> {
  const options = Object.fromEntries(flags.map((flag) => [flag, { type: 'string' } as const]));
  const refuse = (message: string): never => {
    throw new CommandError(`${where}: ${message} The flags are:\n\n${usage}`);
  };
  let parsed;
  try {
    parsed = parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    return refuse((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (!takesOthers && positionals.length > 0) refuse(`'${positionals[0]}' is no flag.`);
  return { values: values as Partial<Record<Flag, string>>, positionals };
}

/** The number that a flag was given, undefined where it was not. @throws {@link CommandError} for what is no number */
export function numberFlag(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() !== '' && !Number.isNaN(value)) return value;
  throw new CommandError(`--${flag}: '${given}' arrived; give a number.`);
}

/** The whole number that a flag was given, or `standard`. @throws {@link CommandError} for anything else, or below `least` */
export function wholeNumberFlag(flag: string, given: string | undefined, standard: number, least = 1): number {
  if (given === undefined) return standard;
  const value = Number(given);
  if (given.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new CommandError(`--${flag}: '${given}' arrived; give a whole number of at least ${least}.`);
}

/**
 * The verb `export`: weights of a run, prepared to come with a package. It works on the engine cpu, which rounds like the
 * definition.
 *
 * @param from what the first argument is, in words
 */
export function exportVerb(
  exportPretrained: (from: string, destination: string) => Promise<void>,
  from = 'the folder of a run',
): Verb {
  return async (argv) => {
    const [source, destination] = argv;
    if (source === undefined || destination === undefined || argv.length > 2) {
      throw new CommandError(`export: ${argv.length} arguments arrived; give ${from} and a destination.`);
    }
    await useBackend('cpu');
    await exportPretrained(source, destination);
    return 0;
  };
}

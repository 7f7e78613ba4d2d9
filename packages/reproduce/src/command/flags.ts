/**
 * The common flags of every milestone's command, as data, and their parser. `node:util` parseArgs is not used because
 * `--resume` has an optional value and unknown flags shall be answered with a suggestion.
 */
import { CommandError } from './command-error.ts';
import { suggestion } from './nearest-name.ts';

interface FlagDefinition {
  /** Placeholder of the value in the help, absent for switches. */
  value?: string;
  /** The value that stands for the bare flag, where the value may be left out. */
  bareValue?: string;
  repeats?: true;
  help: string;
}

export const commonFlags = {
  preset: { value: 'name', help: 'which preset to run' },
  set: { value: 'key=value', repeats: true, help: 'change one configuration key; may be repeated' },
  backend: { value: 'engine', help: 'auto, cuda, webgpu, native, onnx, wasm or cpu (also: MILESTONES_BACKEND)' },
  seed: { value: 'number', help: 'seed of all random numbers (default: 1)' },
  resume: {
    value: 'folder',
    bareValue: 'latest',
    help: 'continue a run folder; without a value the latest of this preset and seed',
  },
  'change-config': { help: 'with --resume: accept a configuration that differs from the run’s, and record the change' },
  out: { value: 'folder', help: 'where run folders are made (default: runs)' },
  data: { value: 'folder', help: 'cache of the data sets (also: MILESTONES_DATA)' },
  offline: { help: 'never touch the network; use only what is in the cache' },
  'no-progress': { help: 'plain lines instead of a progress bar' },
  'dry-run': { help: 'print the resolved configuration, parameter count, steps and expected minutes, then stop' },
  'save-results': { help: 'copy summary, thinned metrics, curves and samples into the package’s results folder' },
  help: { help: 'print this help' },
} as const satisfies Record<string, FlagDefinition>;

export type FlagName = keyof typeof commonFlags;
export type Flags = Partial<Record<FlagName, string[]>>;

/**
 * `['--preset', 'quick', '--set=steps=10', '--offline']` → `{ preset: ['quick'], set: ['steps=10'], offline: ['true'] }`.
 * A flag may be written `--name value` or `--name=value`. `keyNames` are configuration keys, for the hint to `--set`.
 */
export function parseFlags(argv: readonly string[], keyNames: readonly string[]): Flags {
  const flags: Flags = {};
  const names = Object.keys(commonFlags) as FlagName[];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    if (argument === '--') continue; // `npm run x -- --flag` sometimes leaves the separator in place
    if (argument === '-h') {
      flags.help = ['true'];
      continue;
    }
    if (!argument.startsWith('--')) {
      throw new CommandError(
        `command line: ${JSON.stringify(argument)} is not a flag; every argument is written --name value (see --help).`,
      );
    }
    const equals = argument.indexOf('=');
    const typed = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
    const name = names.find((candidate) => candidate === typed);
    if (name === undefined) {
      if (keyNames.includes(typed)) {
        throw new CommandError(
          `command line: unknown flag --${typed}; it is a configuration key, write --set ${typed}=value.`,
        );
      }
      throw new CommandError(
        `command line: unknown flag --${typed}; ${suggestion(typed, names, (flag) => `--${flag}`)}.`,
      );
    }
    const definition: FlagDefinition = commonFlags[name];
    let value: string | undefined = equals < 0 ? undefined : argument.slice(equals + 1);
    if (definition.value === undefined) {
      if (value !== undefined)
        throw new CommandError(
          `--${name}: ${JSON.stringify(value)} arrived; this flag takes no value, write --${name} alone.`,
        );
      value = 'true';
    } else if (value === undefined) {
      const next = argv[index + 1];
      if (next !== undefined && !next.startsWith('--')) {
        value = next;
        index++;
      } else if (definition.bareValue !== undefined) {
        value = definition.bareValue;
      } else {
        throw new CommandError(`--${name}: no value arrived; write --${name} <${definition.value}>.`);
      }
    }
    if (value === '')
      throw new CommandError(`--${name}: an empty value arrived; write --${name} <${definition.value}>.`);
    if (flags[name] && definition.repeats !== true && definition.value !== undefined) {
      throw new CommandError(`--${name}: it arrived twice (${flags[name].join(', ')} and ${value}); give it once.`);
    }
    flags[name] = [...(flags[name] ?? []), value];
  }
  return flags;
}

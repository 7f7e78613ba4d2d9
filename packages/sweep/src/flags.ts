/** The command line of a sweep. */
import { parseArgs } from 'node:util';
import { CommandError, nearestName } from '@milestones/reproduce';

/** What the first word asks for; `start` is the name of a milestone. */
export type Verb = 'start' | 'resume' | 'worker' | 'status' | 'report';

interface FlagDefinition {
  value?: string;
  repeats?: true;
  verbs: readonly Verb[];
  help: string;
}

const everywhere = ['start', 'resume', 'worker', 'status', 'report'] as const;
const working = ['start', 'resume', 'worker'] as const;

const flagDefinitions = {
  space: { value: 'file', verbs: ['start'], help: 'JSON file with the settings to choose and their ranges' },
  trials: { value: 'number', verbs: ['start'], help: 'how many trials (default: 20; a grid: all of its points)' },
  search: { value: 'kind', verbs: ['start'], help: 'random, grid or bayes (default: random)' },
  name: { value: 'name', verbs: ['start', 'worker'], help: 'name of the sweep (default: made from search and time)' },
  experiment: { value: 'name', verbs: ['start'], help: 'for fundamentals: which experiment' },
  preset: {
    value: 'name',
    verbs: ['start'],
    help: 'preset that every trial changes (default: the milestone’s usual one)',
  },
  set: { value: 'key=value', repeats: true, verbs: ['start'], help: 'a setting for every trial; may be repeated' },
  metric: { value: 'name', verbs: ['start'], help: 'final metric that counts (default: validationLoss)' },
  goal: { value: 'goal', verbs: ['start'], help: 'minimize (default) or maximize' },
  seed: { value: 'number', verbs: ['start'], help: 'seed of the search and of every trial (default: 1)' },
  backend: { value: 'engine', verbs: ['start'], help: 'engine of every trial' },
  stop: {
    value: 'rule',
    verbs: ['start'],
    help: 'end hopeless trials early: median, median:<first step> or halving:<first step>',
  },
  attempts: { value: 'number', verbs: ['start'], help: 'a trial whose runs died that often fails (default: 5)' },
  workers: {
    value: 'number',
    verbs: working,
    help: 'trials at a time (default: one per core; with start --queue: none)',
  },
  queue: { value: 'address', verbs: everywhere, help: 'share the sweep through Redis: redis://host:6379' },
  lease: {
    value: 'seconds',
    verbs: ['start'],
    help: 'with --queue: a worker silent for so long loses its trial (default: 30)',
  },
  out: { value: 'folder', verbs: everywhere, help: 'where sweep folders are made (default: sweeps)' },
  data: { value: 'folder', verbs: working, help: 'cache of the data sets on this machine' },
  offline: { verbs: working, help: 'never touch the network for data sets' },
  once: { verbs: ['status'], help: 'print the table once, also in a terminal' },
  help: { verbs: everywhere, help: 'print this help' },
} as const satisfies Record<string, FlagDefinition>;

/** Name of a flag. */
export type FlagName = keyof typeof flagDefinitions;

/** A command line, checked for names and values that are missing. */
export interface ParsedFlags {
  /** What to do. */
  verb: Verb;
  /** The milestone for `start`, otherwise the name or folder of a sweep. */
  subject: string | undefined;
  /** The value of a flag that was given; `true` for one without a value. */
  text(name: FlagName): string | undefined;
  /** The values of a flag that may be repeated. */
  list(name: FlagName): string[];
  /** A whole number of at least `least`. */
  whole(name: FlagName, usual: number, least: number): number;
  /** One of a few words. */
  choice<const Word extends string>(name: FlagName, words: readonly Word[]): Word;
}

/** The help, with the given word for the command itself. */
export function helpText(prefix: string): string {
  const rows = Object.entries(flagDefinitions).map(([name, flag]: [string, FlagDefinition]) => {
    const value = flag.value === undefined ? '' : ` <${flag.value}>`;
    return `  ${`--${name}${value}`.padEnd(22)} ${flag.help}`;
  });
  return [
    'Many runs of one milestone over a space of settings.',
    '',
    `  ${prefix} <milestone> --space space.json [flags]   start a sweep`,
    `  ${prefix} resume [name] [flags]                    continue one that was stopped`,
    `  ${prefix} worker --queue redis://host:6379 [flags] work on a shared sweep, from any machine`,
    `  ${prefix} status [name] [flags]                    a table of its trials, live in a terminal`,
    `  ${prefix} report [name] [flags]                    write REPORT.md, summary.json and best.svg`,
    '',
    ...rows,
    '',
  ].join('\n');
}

/** Reads a command line. Throws CommandError for what it does not know. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const options = Object.fromEntries(
    Object.entries(flagDefinitions).map(([name, flag]: [string, FlagDefinition]) => [
      name,
      { type: flag.value === undefined ? ('boolean' as const) : ('string' as const), multiple: true },
    ]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: false, tokens: true });
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const verb: Verb = isVerb(words[0]) ? words[0] : 'start';
  const [subject, ...more] = verb === 'start' ? words : words.slice(1);
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const flag: FlagDefinition | undefined = flagDefinitions[token.name as FlagName];
    checkFlag(verb, token.name, token.rawName, flag);
    if (
      flag!.value !== undefined &&
      (token.value === undefined || token.value === '' || token.value.startsWith('--'))
    ) {
      throw new CommandError(`--${token.name}: no value arrived; write --${token.name} <${flag!.value}>.`);
    }
    if (values.has(token.name) && flag!.repeats !== true) {
      throw new CommandError(`--${token.name}: it arrived twice; give it once.`);
    }
    values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? 'true']);
  }
  if (more.length > 0) {
    throw new CommandError(
      `sweep: ${JSON.stringify(more[0])} arrived beside ${JSON.stringify(subject)}; give one name.`,
    );
  }
  const text = (name: FlagName): string | undefined => values.get(name)?.[0];
  return {
    verb,
    subject,
    text,
    list: (name) => values.get(name) ?? [],
    whole(name, usual, least) {
      const typed = text(name);
      if (typed === undefined) return usual;
      const value = /^\d+$/.test(typed) ? Number(typed) : Number.NaN;
      if (Number.isSafeInteger(value) && value >= least) return value;
      throw new CommandError(`--${name}: ${JSON.stringify(typed)} arrived; write a whole number of at least ${least}.`);
    },
    choice(name, allowed) {
      const typed = text(name) ?? allowed[0]!;
      const word = allowed.find((candidate) => candidate === typed);
      if (word !== undefined) return word;
      throw new CommandError(`--${name}: ${JSON.stringify(typed)} arrived; choose from ${allowed.join(', ')}.`);
    },
  };
}

function isVerb(word: string | undefined): word is Verb {
  return word !== undefined && word !== 'start' && (everywhere as readonly string[]).includes(word);
}

function checkFlag(verb: Verb, name: string, raw: string, flag: FlagDefinition | undefined): void {
  const names = Object.entries(flagDefinitions)
    .filter(([, { verbs }]) => (verbs as readonly Verb[]).includes(verb))
    .map(([known]) => known);
  if (flag !== undefined && names.includes(name)) return;
  const nearest = nearestName(name, names);
  const known = names.map((one) => `--${one}`).join(', ');
  const hint = nearest === undefined ? `there are ${known}` : `did you mean --${nearest}? (there are ${known})`;
  throw new CommandError(
    flag === undefined
      ? `sweep: unknown flag ${raw}; ${hint}.`
      : `sweep ${verb}: --${name} has no meaning here; ${hint}.`,
  );
}

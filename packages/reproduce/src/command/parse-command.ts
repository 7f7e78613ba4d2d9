/**
 * From words on the command line to one checked configuration:
 * schema defaults (the paper's values) ← preset deltas ← `--set key=value`, then validated by the schema.
 */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINE_NAMES, type EngineName } from '@milestones/backend';
import { describeIssue } from '@milestones/core';
import * as v from 'valibot';
import { type ConfigChange, findLatestRun, readRunConfig, type RunConfig } from '../run-folder.ts';
import type { TargetDefinition } from '../targets.ts';
import { CommandError } from './command-error.ts';
import { type FlagName, parseFlags } from './flags.ts';
import { formatHelp } from './help.ts';
import { suggestion } from './nearest-name.ts';
import { checkPreset, loadPresets, type Preset } from './presets.ts';
import {
  flattenConfig,
  listSchemaKeys,
  parseSetting,
  schemaDefaults,
  type SchemaKey,
  setValueAt,
  showValue,
  valueAt,
} from './schema-keys.ts';

export interface CommandOptions<Schema extends v.GenericSchema> {
  /** Name of the milestone, as in `pnpm reproduce <milestone>`. */
  milestone: string;
  /** For help and report: the paper, such as `GPT-2 (Radford et al. 2019)`. */
  title?: string;
  /**
   * The configuration: a valibot object whose every key has a default (the paper's value) and a description. Parsing its own
   * output again must give the same (no transforms).
   */
  schema: Schema;
  /** Whose values the schema's defaults are; the report says so. Default: the paper's. */
  defaults?: 'paper' | 'ours';
  /** The presets folder, usually `new URL('../presets/', import.meta.url)`. Its parent is the package folder. */
  presets: string | URL;
  /** Presets that code made, as the files of the folder have them; then those of the folder are not read. */
  presetContents?: readonly { preset: string }[];
  /** Everything after the milestone's name. */
  argv: readonly string[];
}

export interface Command<Config> {
  milestone: string;
  title: string;
  preset: string;
  /** What the preset shows, from its file. */
  presetWhy: string;
  /** Expected duration of the preset on its machine. */
  expectedMinutes: number | undefined;
  seed: number;
  /** Name for `useBackend`; undefined means its own default (MILESTONES_BACKEND, then auto). */
  backend: EngineName | 'auto' | undefined;
  config: Config;
  /** The same configuration as a flat list of dotted keys and values, in the schema's order. */
  settings: [key: string, value: unknown][];
  /** Whose values the schema's defaults are. */
  defaults: 'paper' | 'ours';
  /** Differences from the schema's defaults: preset deltas and `--set`. */
  changes: ConfigChange[];
  /** The `--set` arguments as typed; with --resume, after those of the run. */
  set: string[];
  targets: TargetDefinition[];
  /** Folder of the run to continue. */
  resume: string | undefined;
  /** With --resume: keys in which this configuration differs from the run's. Not empty only under --change-config. */
  configChanges: { key: string; from: unknown; to: unknown }[];
  /** Folder in which `<milestone>/<run>` folders are made. */
  out: string;
  /** Cache folder of the data sets, where --data was given. */
  data: string | undefined;
  offline: boolean;
  /** A bar may be drawn: a terminal, no CI, no --no-progress. Otherwise plain lines. */
  progressBar: boolean;
  dryRun: boolean;
  saveResults: boolean;
  /** The text of --help where it was asked for. */
  help: string | undefined;
  /** The command that repeats this run. */
  line: string;
  /** The milestone's package folder: the parent of its presets folder. */
  packageFolder: string;
}

/**
 * Reads the command line of a milestone. Synchronous; touches only the presets folder and, with --resume, the run folder.
 * Throws CommandError, which says what arrived, what is valid and what to do.
 */
export function parseCommand<Schema extends v.GenericSchema>(
  options: CommandOptions<Schema>,
): Command<v.InferOutput<Schema>> {
  const { milestone, schema } = options;
  const keys = listSchemaKeys(schema);
  const keyNames = keys.map((entry) => entry.key);
  const flags = parseFlags(options.argv, keyNames);
  const flag = (name: FlagName): string | undefined => flags[name]?.[0];
  const presetsFolder = options.presets instanceof URL ? fileURLToPath(options.presets) : resolve(options.presets);
  const packageFolder = dirname(presetsFolder.replace(/[\\/]+$/, ''));
  const presets =
    options.presetContents?.map((content) => checkPreset(content, content.preset, keys, content.preset)) ??
    loadPresets(presetsFolder, keys);
  const title = options.title ?? milestone;
  const prefix = commandPrefix(milestone, packageFolder);

  const out = flag('out') ?? 'runs';
  const typedPreset = flag('preset') === undefined ? undefined : findPreset(flag('preset')!, presets, milestone);
  const typedSeed = flag('seed') === undefined ? undefined : parseSeed(flag('seed')!);
  const usualPreset = presets[0] ?? {
    name: 'paper',
    why: 'the schema’s defaults',
    minutes: undefined,
    deltas: [],
    targets: [],
  };
  if (flags['change-config'] && !flags.resume) {
    throw new CommandError(
      '--change-config: it arrived without --resume; it only means something for a run that is continued.',
    );
  }

  let resume: string | undefined;
  let stored: RunConfig | undefined;
  if (flags.resume) {
    resume = findResumedRun(flag('resume')!, out, milestone, typedPreset?.name ?? usualPreset.name, typedSeed ?? 1);
    stored = readRunConfig(resume);
    if (stored.milestone !== milestone) {
      throw new CommandError(
        `--resume ${resume}: it is a run of ${stored.milestone}, not of ${milestone}; use pnpm reproduce ${stored.milestone}.`,
      );
    }
  }

  const preset = typedPreset ?? (stored ? findPreset(stored.preset, presets, milestone) : usualPreset);
  const seed = typedSeed ?? stored?.seed ?? 1;
  const set = lastOfEachKey([...(stored?.set ?? []), ...(flags.set ?? [])]);
  const settings = new Map(set.map((argument) => parseSet(argument, keys)));
  const config = resolveConfig(schema, keys, preset, settings);

  const configChanges = stored ? compareConfigs(stored, { preset: preset.name, seed, config }, keys) : [];
  if (configChanges.length > 0 && !flags['change-config']) {
    const list = configChanges.map(({ key, from, to }) => `${key} is ${showValue(to)}, in the run ${showValue(from)}`);
    throw new CommandError(
      `--resume ${resume}: the configuration differs from the run's: ${list.join('; ')}. ` +
        `Give the same flags as before (only --resume is enough), start a new run without --resume, or add --change-config to continue with the new values.`,
    );
  }
  const identity = configChanges.find(({ key }) => key === 'preset' || key === 'seed');
  if (identity) {
    throw new CommandError(
      `--resume ${resume}: ${identity.key} is ${showValue(identity.to)}, in the run ${showValue(identity.from)}; a run keeps its ${identity.key}, start a new one.`,
    );
  }

  const typedBackend = flag('backend') === undefined ? undefined : parseBackend(flag('backend')!);
  const line = [
    `${prefix} --preset ${preset.name} --seed ${seed}`,
    ...(typedBackend === undefined ? [] : [`--backend ${typedBackend}`]),
    ...set.map((argument) => `--set ${quoteForShell(argument)}`),
  ].join(' ');
  return {
    milestone,
    title,
    preset: preset.name,
    presetWhy: preset.why,
    expectedMinutes: preset.minutes,
    seed,
    backend: typedBackend ?? (stored?.engine ? parseBackend(stored.engine) : undefined),
    config,
    settings: flattenConfig(config, keys),
    defaults: options.defaults ?? 'paper',
    changes: listChanges(schema, keys, preset, settings, config),
    set,
    targets: preset.targets,
    resume,
    configChanges,
    out,
    data: flag('data'),
    offline: flags.offline !== undefined,
    progressBar: flags['no-progress'] === undefined && process.env.CI === undefined && process.stderr.isTTY === true,
    dryRun: flags['dry-run'] !== undefined,
    saveResults: flags['save-results'] !== undefined,
    help:
      flags.help === undefined
        ? undefined
        : formatHelp({ title, prefix, keys, presets, usualPreset: usualPreset.name }),
    line,
    packageFolder,
  };
}

/** An installed package is called through npx, the repository through its root script. */
function commandPrefix(milestone: string, packageFolder: string): string {
  const installed = packageFolder.split(/[\\/]/).includes('node_modules');
  return installed ? `npx @milestones/${milestone} reproduce` : `pnpm reproduce ${milestone}`;
}

function findPreset(name: string, presets: readonly Preset[], milestone: string): Preset {
  const preset = presets.find((candidate) => candidate.name === name);
  if (preset) return preset;
  const names = presets.map((candidate) => candidate.name);
  throw new CommandError(`--preset: ${milestone} has no preset ${JSON.stringify(name)}; ${suggestion(name, names)}.`);
}

function parseSeed(text: string): number {
  const seed = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seed <= 0xffff_ffff) return seed;
  throw new CommandError(
    `--seed: ${JSON.stringify(text)} arrived; write a whole number from 0 to 4294967295, for example --seed 1.`,
  );
}

function parseBackend(text: string): EngineName | 'auto' {
  const names = ['auto', ...ENGINE_NAMES] as const;
  const name = names.find((candidate) => candidate === text);
  if (name !== undefined) return name;
  throw new CommandError(`--backend: ${JSON.stringify(text)} is no engine; ${suggestion(text, names)}.`);
}

/** `['a=1', 'b=2', 'a=3']` → `['b=2', 'a=3']`: the last setting of a key wins. */
function lastOfEachKey(set: readonly string[]): string[] {
  const keyOf = (argument: string) => argument.split('=', 1)[0];
  return set.filter((argument, index) => !set.slice(index + 1).some((later) => keyOf(later) === keyOf(argument)));
}

function parseSet(argument: string, keys: readonly SchemaKey[]): [string, unknown] {
  const equals = argument.indexOf('=');
  const key = equals < 0 ? argument : argument.slice(0, equals);
  const entry = keys.find((candidate) => candidate.key === key);
  if (!entry) {
    const names = keys.map((candidate) => candidate.key);
    throw new CommandError(`--set: unknown key ${JSON.stringify(key)}; ${suggestion(key, names)}.`);
  }
  if (equals < 0)
    throw new CommandError(`--set ${key}: no value arrived; write --set ${key}=${showValue(entry.default)}.`);
  return [key, parseSetting(entry, argument.slice(equals + 1))];
}

function resolveConfig<Schema extends v.GenericSchema>(
  schema: Schema,
  keys: readonly SchemaKey[],
  preset: Preset,
  settings: ReadonlyMap<string, unknown>,
): v.InferOutput<Schema> {
  // From the parsed defaults, not from {}: a nested default is taken whole or not at all, so one delta inside it would
  // otherwise switch its neighbours to other values.
  const input = structuredClone(schemaDefaults(schema)) as Record<string, unknown>;
  for (const { key, value } of preset.deltas) setValueAt(input, key, value);
  for (const [key, value] of settings) setValueAt(input, key, value);
  const parsed = v.safeParse(schema, input);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => {
    const key = v.getDotPath(issue) ?? '';
    const entry = keys.find((candidate) => candidate.key === key);
    const arrived = key === '' ? '' : ` is ${showValue(valueAt(input, key))}`;
    const about = entry?.description ? ` (${entry.description}; default ${showValue(entry.default)})` : '';
    return `${key || 'the whole'}${arrived}: ${describeIssue(issue)}${about}`;
  });
  const source = settings.size > 0 ? '--set' : `preset ${preset.name}`;
  throw new CommandError(
    `configuration from ${source}: ${problems.join('; ')}. Change it with --set key=value (see --help).`,
  );
}

function listChanges(
  schema: v.GenericSchema,
  keys: readonly SchemaKey[],
  preset: Preset,
  settings: ReadonlyMap<string, unknown>,
  config: unknown,
): ConfigChange[] {
  const defaults = schemaDefaults(schema);
  const whys = new Map(preset.deltas.map(({ key, why }) => [key, why]));
  for (const key of settings.keys()) whys.set(key, 'set on the command line');
  const order = keys.map((entry) => entry.key).filter((key) => whys.has(key));
  return order
    .map((key) => ({ key, value: valueAt(config, key), default: valueAt(defaults, key) ?? null, why: whys.get(key)! }))
    .filter(({ value, default: usual }) => JSON.stringify(value) !== JSON.stringify(usual));
}

function findResumedRun(typed: string, out: string, milestone: string, preset: string, seed: number): string {
  if (typed !== 'latest') return resolve(typed);
  const latest = findLatestRun(out, milestone, preset, seed);
  if (latest !== undefined) return latest;
  throw new CommandError(
    `--resume latest: there is no run of ${milestone} with preset ${preset} and seed ${seed} in ${join(out, milestone)}; ` +
      'start one without --resume, or name a run folder: --resume <folder>.',
  );
}

function compareConfigs(
  stored: RunConfig,
  now: { preset: string; seed: number; config: unknown },
  keys: readonly SchemaKey[],
): { key: string; from: unknown; to: unknown }[] {
  const before = new Map<string, unknown>([
    ['preset', stored.preset],
    ['seed', stored.seed],
    ...flattenConfig(stored.config, keys),
  ]);
  const after = new Map<string, unknown>([
    ['preset', now.preset],
    ['seed', now.seed],
    ...flattenConfig(now.config, keys),
  ]);
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .map((key) => ({ key, from: before.get(key), to: after.get(key) }))
    .filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to));
}

function quoteForShell(text: string): string {
  return /^[\w=.,:/+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

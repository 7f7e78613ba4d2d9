/**
 * Presets are JSON files, `presets/<name>.json`, that say how a run differs from the schema's defaults and what it must show:
 *
 *     {
 *       "preset": "laptop",
 *       "why": "The 209,729-parameter network of a published lecture, on two cores.",
 *       "minutes": 6,
 *       "deltas": [{ "set": { "model.layers": 4, "model.heads": 4 }, "why": "size of the lecture's network" }],
 *       "targets": [{ "metric": "validationLoss", "claim": "…", "paper": null, "published": 1.822, "expected": [1.79, 1.86] }]
 *     }
 *
 * Every delta carries its reason. Keys may be dotted or nested. Which keys exist and what they accept, the schema decides.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeIssue, positiveNumber } from '@milestones/core';
import * as v from 'valibot';
import { type TargetDefinition, targetSchema } from '../targets.ts';
import { CommandError } from './command-error.ts';
import { suggestion } from './nearest-name.ts';
import { flattenConfig, type SchemaKey } from './schema-keys.ts';

const presetSchema = v.strictObject({
  preset: v.string(),
  why: v.string(),
  minutes: v.optional(positiveNumber),
  deltas: v.optional(
    v.array(v.strictObject({ set: v.record(v.string(), v.unknown()), why: v.pipe(v.string(), v.nonEmpty()) })),
    [],
  ),
  targets: v.optional(v.array(targetSchema), []),
});

export interface Preset {
  name: string;
  why: string;
  /** Expected duration on the machine that the preset was made for. */
  minutes: number | undefined;
  /** Differences from the schema's defaults; `key` is dotted. */
  deltas: { key: string; value: unknown; why: string }[];
  targets: TargetDefinition[];
}

/** Order in which presets are listed: the quickest first. */
const usualOrder = ['quick', 'laptop', 'paper'];

/** Reads and checks every `*.json` of a presets folder. `keys` are the schema's keys; an unknown one is an error. */
export function loadPresets(folder: string | URL, keys: readonly SchemaKey[]): Preset[] {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder;
  const files = readdirSync(path).filter((name) => name.endsWith('.json'));
  const presets = files.map((file) => loadPreset(join(path, file), file.slice(0, -'.json'.length), keys));
  const rank = (name: string) => (usualOrder.includes(name) ? usualOrder.indexOf(name) : usualOrder.length);
  return presets.toSorted((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name, 'en'));
}

function loadPreset(path: string, name: string, keys: readonly SchemaKey[]): Preset {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(`preset ${path}: not readable as JSON (${(error as Error).message}); repair the file.`);
  }
  return checkPreset(content, name, keys, path);
}

/** Checks the content of a preset file. `where` names it in errors. */
export function checkPreset(content: unknown, name: string, keys: readonly SchemaKey[], where: string): Preset {
  const parsed = v.safeParse(presetSchema, content);
  if (!parsed.success) {
    const issues = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'file'}: ${describeIssue(issue)}`);
    throw new CommandError(`preset ${where}: ${issues.join('; ')}. Repair the file.`);
  }
  if (parsed.output.preset !== name) {
    throw new CommandError(
      `preset ${where}: it calls itself ${parsed.output.preset}; write "preset": "${name}", as the file is named.`,
    );
  }
  const deltas: Preset['deltas'] = [];
  for (const { set, why } of parsed.output.deltas) {
    for (const [key, value] of flattenConfig(set, keys)) {
      if (!keys.some((entry) => entry.key === key)) {
        const names = keys.map((entry) => entry.key);
        throw new CommandError(`preset ${where}: unknown key ${key}; ${suggestion(key, names)}.`);
      }
      if (deltas.some((delta) => delta.key === key)) {
        throw new CommandError(`preset ${where}: ${key} is set twice; keep one of the two deltas.`);
      }
      deltas.push({ key, value, why });
    }
  }
  return { name, why: parsed.output.why, minutes: parsed.output.minutes, deltas, targets: parsed.output.targets };
}

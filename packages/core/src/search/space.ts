/**
 * Search spaces: which settings a search may choose, and from what. A space is read from JSON, one entry for each setting;
 * nested settings have dotted names:
 *
 *     {
 *       "optimizer.learningRate": { "kind": "range", "from": 1e-5, "to": 0.1, "scale": "log" },
 *       "model.layers": { "kind": "integer", "from": 1, "to": 8 },
 *       "model.activation": { "kind": "category", "values": ["relu", "tanh"] }
 *     }
 */
import * as v from 'valibot';
import { describeIssues, finiteNumber, wholeNumber } from '../configuration.ts';

/** A value that a setting may take. */
export type SettingValue = number | string | boolean;

/** The chosen value of every setting of a space, by its dotted name. */
export type Settings = Record<string, SettingValue>;

/** A setting that is a real number of an interval, both ends included. */
export interface RangeParameter {
  /** Its dotted name. */
  readonly name: string;
  /** Tells it from the other kinds. */
  readonly kind: 'range';
  /** The smallest value. */
  readonly from: number;
  /** The largest value. */
  readonly to: number;
  /** Whether equal differences (`linear`) or equal ratios (`log`) count alike. */
  readonly scale: 'linear' | 'log';
  /** How many values a grid has; only a grid needs it. */
  readonly points?: number | undefined;
}

/** A setting that is a whole number of an interval, both ends included. */
export interface IntegerParameter {
  /** Its dotted name. */
  readonly name: string;
  /** Tells it from the other kinds. */
  readonly kind: 'integer';
  /** The smallest value. */
  readonly from: number;
  /** The largest value. */
  readonly to: number;
  /** Whether equal differences (`linear`) or equal ratios (`log`) count alike. */
  readonly scale: 'linear' | 'log';
  /** How many values a grid has; without it, all. */
  readonly points?: number | undefined;
}

/** A setting that is one of a few values without an order. */
export interface CategoryParameter {
  /** Its dotted name. */
  readonly name: string;
  /** Tells it from the other kinds. */
  readonly kind: 'category';
  /** The values, all different. */
  readonly values: readonly SettingValue[];
}

/** One setting of a space. */
export type SpaceParameter = RangeParameter | IntegerParameter | CategoryParameter;

/** All settings that a search chooses; {@link parseSpace} makes it. */
export interface Space {
  /** The settings, in the order of the file. */
  readonly parameters: readonly SpaceParameter[];
}

const scaleSchema = v.optional(v.picklist(['linear', 'log']), 'linear');
const pointsSchema = v.optional(v.pipe(wholeNumber, v.minValue(2)));
const entrySchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('range'),
    from: finiteNumber,
    to: finiteNumber,
    scale: scaleSchema,
    points: pointsSchema,
  }),
  v.strictObject({
    kind: v.literal('integer'),
    from: wholeNumber,
    to: wholeNumber,
    scale: scaleSchema,
    points: pointsSchema,
  }),
  v.strictObject({
    kind: v.literal('category'),
    values: v.pipe(v.array(v.union([finiteNumber, v.string(), v.boolean()])), v.minLength(1)),
  }),
]);
const NAME = /^[A-Za-z][\w-]*(\.[\w-]+)*$/;

/**
 * Reads a search space.
 *
 * @param json what `JSON.parse` made of the file: an object from dotted names to entries of the kinds `range` (`from`, `to`,
 *   `scale` linear or log), `integer` (the same) and `category` (`values`); `points` is for grids
 * @throws with the name of the setting that is wrong: an empty range, an unknown kind or key, a log scale that reaches 0, a
 *   value listed twice, a name inside another
 */
export function parseSpace(json: unknown): Space {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    const arrived = json === null ? 'null' : Array.isArray(json) ? 'an array' : `a ${typeof json}`;
    throw new Error(`space: ${arrived} arrived; give an object from names of settings to what they may be.`);
  }
  const entries = Object.entries(json);
  if (entries.length === 0) throw new Error('space: it names no setting; give at least one.');
  return { parameters: entries.map(([name, entry]) => parseParameter(name, entry, entries)) };
}

function parseParameter(name: string, entry: unknown, all: readonly [string, unknown][]): SpaceParameter {
  if (!NAME.test(name) || name.split('.').includes('__proto__')) {
    throw new Error(`space: the name "${name}" is no setting's; give words joined by dots, optimizer.learningRate.`);
  }
  if (typeof entry !== 'object' || entry === null || !('kind' in entry)) {
    throw new Error(
      `space: ${name} has no "kind"; say "range", "integer" or "category", and join nested names by dots, ${name}.inner.`,
    );
  }
  const outer = all.find(([other]) => name.startsWith(`${other}.`));
  if (outer !== undefined) throw new Error(`space: ${name} lies inside ${outer[0]}; keep one of the two.`);
  const result = v.safeParse(entrySchema, entry);
  if (!result.success) throw new Error(`space: ${name}: ${describeIssues(result.issues)}.`);
  const parameter: SpaceParameter = { name, ...result.output };
  if (parameter.kind === 'category') {
    const double = parameter.values.find((value, index) => parameter.values.indexOf(value) < index);
    if (double !== undefined) {
      throw new Error(`space: ${name} lists ${JSON.stringify(double)} twice; list each value once.`);
    }
  } else {
    checkInterval(parameter);
  }
  return parameter;
}

function checkInterval({ name, kind, from, to, scale }: RangeParameter | IntegerParameter): void {
  if (from >= to) {
    throw new Error(
      `space: ${name} is the empty range from ${from} to ${to}; give a "from" below the "to", or leave out a setting that has one value.`,
    );
  }
  if (!Number.isFinite(to - from)) {
    throw new Error(`space: ${name} reaches from ${from} to ${to}, too far for a number; give a shorter range.`);
  }
  const least = kind === 'integer' ? 1 : Number.MIN_VALUE;
  if (scale === 'log' && from < least) {
    throw new Error(
      `space: ${name} has a log scale from ${from}; give a "from" ${kind === 'integer' ? 'of 1 or more' : 'above 0'}, or "scale": "linear".`,
    );
  }
}

/**
 * Settings with dotted names as nested objects, the form of a configuration: `{ 'model.layers': 3 }` becomes
 * `{ model: { layers: 3 } }`.
 */
export function nestSettings(settings: Settings): Record<string, unknown> {
  const nested: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    const path = name.split('.');
    let target = nested;
    for (const part of path.slice(0, -1)) {
      target = (target[part] ??= {}) as Record<string, unknown>;
    }
    target[path.at(-1)!] = value;
  }
  return nested;
}

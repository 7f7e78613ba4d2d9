/**
 * What a valibot schema of a milestone's configuration says about its keys: one flat list of dotted keys with type, default,
 * choices and description. `--set`, presets and `--help` are all made from this list, so they cannot disagree.
 * The schema is read as the tree of plain objects that it is.
 */
import * as v from 'valibot';
import { CommandError } from './command-error.ts';

export type ValueKind = 'number' | 'integer' | 'boolean' | 'string' | 'null' | 'array' | 'object';

export interface SchemaKey {
  /** Dotted path, such as `model.heads`. */
  key: string;
  /** Kinds of JSON value that the schema accepts; several for unions and nullable values. */
  kinds: ValueKind[];
  /** The allowed values of an enum or a union of literals. */
  choices: unknown[];
  /** Text of `v.description()`. */
  description: string;
  /** The schema's default, which is the paper's value. */
  default: unknown;
  /** For arrays: the kinds of an element. */
  elementKinds: ValueKind[];
}

/** What `listSchemaKeys` reads of a schema. Every schema of valibot shows its parts as plain properties. */
interface SchemaParts {
  type: string;
  /** A schema with conditions and description: the schema first, then these. */
  pipe?: readonly (SchemaParts & { kind: string })[];
  /** What an optional or nullable schema accepts besides. */
  wrapped?: SchemaParts;
  entries?: Readonly<Record<string, SchemaParts>>;
  /** The schemas of a union or an intersection; the allowed values of a picklist or an enum. */
  options?: readonly unknown[];
  literal?: unknown;
  /** The element of an array. */
  item?: SchemaParts;
  /** The text of a description. */
  description?: string;
}

/** Every leaf key of the schema in the order in which the schema declares them. Throws where a key has no default. */
export function listSchemaKeys(schema: v.GenericSchema): SchemaKey[] {
  const defaults = schemaDefaults(schema);
  const keys = new Map<string, SchemaKey>();
  collect(schema as SchemaParts, [], keys, defaults);
  return [...keys.values()];
}

/** The configuration that the schema gives for no input at all: the paper's. */
export function schemaDefaults(schema: v.GenericSchema): unknown {
  const parsed = v.safeParse(schema, {});
  if (parsed.success) return parsed.output;
  const missing = parsed.issues.map((issue) => v.getDotPath(issue) ?? issue.message);
  throw new Error(
    `configuration schema: ${missing.join(', ')} has no usable default; give every key a default: v.optional(…, value), and nested objects v.optional(…, {}).`,
  );
}

function collect(schema: SchemaParts, path: string[], keys: Map<string, SchemaKey>, defaults: unknown): void {
  const branches = branchesOf(schema);
  const objects = branches.filter((branch) => branch.entries);
  for (const { entries } of objects) {
    for (const [name, child] of Object.entries(entries!)) collect(child, [...path, name], keys, defaults);
  }
  if (objects.length > 0 || path.length === 0) return;

  const key = path.join('.');
  const entry = keys.get(key) ?? {
    key,
    kinds: [],
    choices: [],
    description: descriptionOf(schema) ?? '',
    default: valueAt(defaults, key),
    elementKinds: [],
  };
  for (const branch of branches) {
    const kind = kindOf(branch);
    if (kind !== undefined && !entry.kinds.includes(kind)) entry.kinds.push(kind);
    for (const choice of choicesOf(branch)) if (!entry.choices.includes(choice)) entry.choices.push(choice);
    const elements = branch.item ? branchesOf(branch.item).map(kindOf) : [];
    entry.elementKinds.push(...elements.filter((element) => element !== undefined));
  }
  keys.set(key, entry);
}

/** The schemas one of which a value meets: those of a union, what an optional schema wraps, and null beside a nullable one. */
function branchesOf(schema: SchemaParts): SchemaParts[] {
  const beside = schema.type === 'nullable' || schema.type === 'nullish' ? [{ type: 'null' }] : [];
  if (schema.wrapped) return [...branchesOf(schema.wrapped), ...beside];
  const isSeveral = schema.type === 'union' || schema.type === 'variant' || schema.type === 'intersect';
  return isSeveral ? (schema.options as SchemaParts[]).flatMap(branchesOf) : [schema];
}

/** The last description in a schema's pipe, or the one of what it wraps. */
function descriptionOf(schema: SchemaParts): string | undefined {
  const texts = (schema.pipe ?? []).map((part) => (part.kind === 'schema' ? descriptionOf(part) : part.description));
  return texts.findLast((text) => text !== undefined) ?? (schema.wrapped && descriptionOf(schema.wrapped));
}

function choicesOf(schema: SchemaParts): unknown[] {
  if (schema.type === 'picklist' || schema.type === 'enum') return [...schema.options!];
  return schema.type === 'literal' ? [schema.literal] : [];
}

const kindsByType: Readonly<Record<string, ValueKind>> = {
  number: 'number',
  boolean: 'boolean',
  string: 'string',
  null: 'null',
  array: 'array',
  tuple: 'array',
  strict_tuple: 'array',
  record: 'object',
};

function kindOf(schema: SchemaParts): ValueKind | undefined {
  return schema.type === 'number' && isWhole(schema) ? 'integer' : kindsByType[schema.type];
}

function isWhole({ type, pipe = [] }: SchemaParts): boolean {
  return type === 'integer' || type === 'safe_integer' || pipe.some(isWhole);
}

/** The value at a dotted key, or undefined. */
export function valueAt(value: unknown, key: string): unknown {
  let current = value;
  for (const name of key.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

/** Sets the value at a dotted key, making the objects on the way. */
export function setValueAt(target: Record<string, unknown>, key: string, value: unknown): void {
  const names = key.split('.');
  let current = target;
  for (const name of names.slice(0, -1)) {
    const next = current[name];
    if (typeof next !== 'object' || next === null || Array.isArray(next)) current[name] = {};
    current = current[name] as Record<string, unknown>;
  }
  current[names.at(-1)!] = value;
}

/** `{ model: { heads: 4 }, steps: 10 }` → `[['model.heads', 4], ['steps', 10]]`, no deeper than the schema's own leaves. */
export function flattenConfig(value: unknown, keys: readonly SchemaKey[], prefix = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[prefix, value]];
  if (prefix !== '' && keys.some((entry) => entry.key === prefix)) return [[prefix, value]];
  return Object.entries(value).flatMap(([name, child]) =>
    flattenConfig(child, keys, prefix ? `${prefix}.${name}` : name),
  );
}

/** In words, what a key accepts: `a whole number`, `one of pre, post`. */
export function describeKind(entry: SchemaKey): string {
  const words: Record<ValueKind, string> = {
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    string: 'text',
    null: 'null',
    array: 'a list such as 1,2,3',
    object: 'a JSON object',
  };
  const choices = entry.choices.length > 0 ? [`one of ${entry.choices.map(String).join(', ')}`] : [];
  return [...choices, ...entry.kinds.map((kind) => words[kind])].join(' or ') || 'a JSON value';
}

/** Reads the text after `=` in `--set key=value` as the type that the schema wants for this key. */
export function parseSetting(entry: SchemaKey, text: string): unknown {
  const choice = entry.choices.find((candidate) => String(candidate) === text);
  if (choice !== undefined) return choice;
  const onlyChoices = entry.choices.length > 0 && entry.kinds.length === 0;
  const parsed = onlyChoices ? undefined : parseKinds(entry.kinds, entry.elementKinds, text);
  if (parsed === undefined) {
    const about = entry.description ? ` ${entry.key}: ${entry.description}` : '';
    throw new CommandError(
      `--set ${entry.key}: ${JSON.stringify(text)} arrived; write ${describeKind(entry)}, for example --set ${entry.key}=${showValue(entry.default)}.${about}`,
    );
  }
  return parsed;
}

function parseKinds(kinds: readonly ValueKind[], elementKinds: readonly ValueKind[], text: string): unknown {
  return (kinds.includes('array') ? parseList(elementKinds, text) : undefined) ?? parseScalar(kinds, text);
}

function parseList(elementKinds: readonly ValueKind[], text: string): unknown {
  if (text.startsWith('[')) return parseJson(text);
  const elements = text === '' ? [] : text.split(',').map((part) => parseScalar(elementKinds, part.trim()));
  return elements.includes(undefined) ? undefined : elements;
}

function parseScalar(kinds: readonly ValueKind[], text: string): unknown {
  const has = (kind: ValueKind) => kinds.includes(kind);
  if (has('null') && text === 'null') return null;
  if (has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (has('number') || has('integer')) {
    const value = text.trim() === '' ? Number.NaN : Number(text.replaceAll('_', ''));
    if (Number.isFinite(value) && (has('number') || Number.isInteger(value))) return value;
  }
  if (has('object') || kinds.length === 0) {
    const value = parseJson(text);
    if (value !== undefined) return value;
  }
  return has('string') ? text : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A configuration value as one would type it after `--set key=`. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((element) => typeof element !== 'object')) return value.join(',');
  return value === undefined ? '…' : JSON.stringify(value);
}

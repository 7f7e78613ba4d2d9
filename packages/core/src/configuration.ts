/**
 * What the configurations of all milestones have in common. A configuration is a valibot schema: it makes the type, the
 * defaults, the flags and the help. Here are the kinds of number that options have, an option with default and description,
 * and the one way to complete and check what a caller gave.
 */
import * as v from 'valibot';

/** A number, neither infinite nor NaN. */
export const finiteNumber = v.pipe(
  v.number(),
  v.finite(({ received }) => `Invalid value: Expected a finite number but received ${received}`),
);

/** A whole number, of either sign. */
export const wholeNumber = v.pipe(
  v.number(),
  v.safeInteger(({ received }) => `Invalid value: Expected a whole number but received ${received}`),
);

/** 1, 2, 3 … */
export const positiveInteger = v.pipe(wholeNumber, v.minValue(1));

/** 0, 1, 2 … */
export const nonNegativeInteger = v.pipe(wholeNumber, v.minValue(0));

/** A finite number above 0. */
export const positiveNumber = v.pipe(finiteNumber, v.gtValue(0));

/** A finite number from 0 on. */
export const nonNegativeNumber = v.pipe(finiteNumber, v.minValue(0));

/** A number from 0 up to, but not including, 1: probabilities to drop, momenta, rates of decay. */
export const fraction = v.pipe(finiteNumber, v.minValue(0), v.ltValue(1));

/**
 * An entry of a configuration: what it accepts, its value where none is given, and its line of help.
 *
 * `option(positiveInteger, 12, 'number of blocks')`
 */
export function option<const Schema extends v.GenericSchema, const Default extends v.InferInput<Schema>>(
  schema: Schema,
  byDefault: Default,
  description: string,
): v.OptionalSchema<v.SchemaWithPipe<readonly [Schema, v.DescriptionAction<v.InferOutput<Schema>, string>]>, Default> {
  return v.optional(v.pipe(schema, v.description(description)), byDefault);
}

/** What is wrong with one value, without its place: `Invalid value: Expected >=1 but received 0`. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  if (issue.kind !== 'schema' || issue.path?.at(-1)?.origin !== 'key') return issue.message;
  return issue.expected === 'never' ? 'there is no such key; remove it or correct its name' : 'it is missing; add it';
}

/** All that is wrong with a value, each with its place: `model.heads: Invalid value: Expected >=1 but received 0; …`. */
export function describeIssues(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues.map((issue) => `${v.getDotPath(issue) ?? 'config'}: ${describeIssue(issue)}`).join('; ');
}

/**
 * Completes and checks a configuration.
 *
 * @param where begins the message of an error
 * @throws with every field that is wrong, and the remedy
 */
export function completeConfig<const Schema extends v.GenericSchema>(
  where: string,
  schema: Schema,
  options: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  throw new Error(`${where}: ${describeIssues(result.issues)}.`);
}

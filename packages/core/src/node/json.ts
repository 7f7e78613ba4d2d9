/** Values that JSON keeps (of all numbers only −0 changes, to 0). */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/**
 * Checks that a value survives JSON: `JSON.stringify` turns NaN into null and drops undefined without a word, and a run
 * that resumes from such a state is another run.
 *
 * @throws an `Error` that names the path of the first value that JSON would change
 */
export function checkJson(where: string, name: string, value: unknown): asserts value is JsonValue {
  const fail = (kind: string): never => {
    throw new Error(`${where}: ${name} is ${kind}, which JSON cannot hold; store a text, a finite number, or null.`);
  };
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) fail(String(value));
    return;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) checkJson(where, `${name}[${index}]`, value[index]);
    return;
  }
  if (typeof value !== 'object') fail(typeof value === 'bigint' ? 'a bigint' : `${typeof value}`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    fail(`an object of ${(value as object).constructor?.name ?? 'its own kind'}`);
  }
  for (const [key, item] of Object.entries(value as object)) checkJson(where, `${name}.${key}`, item);
}

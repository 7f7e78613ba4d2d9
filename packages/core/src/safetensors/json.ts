/**
 * A strict JSON reader for file headers. `JSON.parse` cannot serve: it keeps the last of two equal keys without a word
 * (so two readers may disagree about a file), rounds long integers, and puts `__proto__` into plain objects.
 */
import { quoted, SafetensorsError } from './format.ts';

/** A JSON value with objects as maps, and numbers as they are spelled. */
export type StrictJson = string | boolean | null | JsonNumber | StrictJson[] | Map<string, StrictJson>;

/** A number as the header spells it. */
export class JsonNumber {
  readonly spelling: string;

  constructor(spelling: string) {
    this.spelling = spelling;
  }
}

// A header is an object of objects of arrays: anything deeper is hostile, and recursion stays harmless.
const maximumDepth = 8;
const space = /[ \t\n\r]*/y;
const numberLiteral = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const wordLiteral = /true|false|null/y;

/**
 * Reads one JSON text.
 *
 * @throws {SafetensorsError} at the first character that is not JSON, at a repeated key, and at deep nesting
 */
export function parseStrictJson(text: string): StrictJson {
  let position = 0;

  function fail(wanted: string): never {
    const found = position < text.length ? quoted(text.slice(position, position + 20)) : 'its end';
    throw new SafetensorsError(
      `safetensors: the header is not valid JSON: character ${position} is ${found} where ${wanted} was expected; ` +
        'the file is damaged or of another format, fetch or write it again.',
    );
  }

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) position += found.length;
    return found;
  }

  function accept(character: string): boolean {
    match(space);
    if (text[position] !== character) return false;
    position += 1;
    return true;
  }

  function readString(): string {
    match(space);
    const start = position;
    if (text[position] !== '"') fail('a string');
    do {
      position += text[position] === '\\' ? 2 : 1;
      if (position >= text.length) fail('the end of a string');
    } while (text[position] !== '"');
    position += 1;
    try {
      // Of a single string literal JSON.parse is strict enough: it refuses bad escapes and control characters.
      return JSON.parse(text.slice(start, position)) as string;
    } catch {
      position = start;
      return fail('a string with valid escapes');
    }
  }

  function readObject(depth: number): Map<string, StrictJson> {
    const entries = new Map<string, StrictJson>();
    if (accept('}')) return entries;
    do {
      const key = readString();
      if (entries.has(key)) {
        throw new SafetensorsError(
          `safetensors: the header has the key ${quoted(key)} twice; a key may appear once, write the file again.`,
        );
      }
      if (!accept(':')) fail('":"');
      entries.set(key, readValue(depth));
    } while (accept(','));
    if (!accept('}')) fail('"," or "}"');
    return entries;
  }

  function readArray(depth: number): StrictJson[] {
    const items: StrictJson[] = [];
    if (accept(']')) return items;
    do {
      items.push(readValue(depth));
    } while (accept(','));
    if (!accept(']')) fail('"," or "]"');
    return items;
  }

  function readValue(depth: number): StrictJson {
    if (depth > maximumDepth) fail(`nesting of at most ${maximumDepth} levels`);
    if (accept('{')) return readObject(depth + 1);
    if (accept('[')) return readArray(depth + 1);
    if (text[position] === '"') return readString();
    const word = match(wordLiteral);
    if (word !== undefined) return word === 'null' ? null : word === 'true';
    const number = match(numberLiteral);
    if (number !== undefined) return new JsonNumber(number);
    return fail('a value');
  }

  const value = readValue(1);
  match(space);
  if (position < text.length) fail('nothing more');
  return value;
}

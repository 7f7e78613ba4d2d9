import { expect, it } from 'vitest';
import { fuzzFile, fuzzOne, readers } from './readers.ts';

// `pnpm fuzz` reads at least ten thousand of each, with a watch on time and memory.
const files = 300;

it.each(readers.map((reader) => [reader.name, reader] as const))(
  '%s: damaged files are read or refused, and whole ones read',
  async (_name, reader) => {
    for (const seed of reader.seeds) expect(await fuzzOne(reader, seed)).toBe('read');
    const outcomes = { read: 0, refused: 0 };
    for (let index = 0; index < files; index++) outcomes[await fuzzOne(reader, fuzzFile(reader, index))]++;
    expect(outcomes.refused).toBeGreaterThan(files / 10);
  },
);

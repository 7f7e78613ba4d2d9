import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it.each(['presets/quick.json', 'src/config.ts', 'src/reproduce.ts'])(
  'the README shows the toy’s %s as it is',
  (name) => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const source = readFileSync(new URL(`./toy/${name}`, import.meta.url), 'utf8').trimEnd();
    expect(readme).toContain(source);
  },
);

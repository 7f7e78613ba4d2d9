/** Runs the command of sweeps inside the test, on the toy milestone, and collects what it prints. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { captureOutput, type CommandOutput } from '@milestones/reproduce/testing';
import { afterEach } from 'vitest';
import { main, type SweepHost, type SweepSummary } from '../src/index.ts';

/** The toy's command. */
export const toyEntry = fileURLToPath(new URL('toy/reproduce.mjs', import.meta.url));

export const toyHost: SweepHost = { prefix: 'pnpm sweep', locate: () => toyEntry };

const folders: string[] = [];

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'milestones-sweep-'));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A space file. */
export function spaceFile(space: unknown): string {
  const path = join(temporaryFolder(), 'space.json');
  writeFileSync(path, typeof space === 'string' ? space : JSON.stringify(space));
  return path;
}

export const rates = { rate: { kind: 'range', from: 0.001, to: 1, scale: 'log' } };

/** `sweep …` with the toy. */
export function sweep(...argv: string[]): Promise<CommandOutput> {
  return captureOutput(() => main(argv, toyHost));
}

/** Starts a sweep of the toy called `one`. */
export function startToy(out: string, space: unknown, ...flags: string[]): Promise<CommandOutput> {
  return sweep('toy', '--space', spaceFile(space), '--name', 'one', '--out', out, ...flags);
}

export function readSummary(out: string, name = 'one'): SweepSummary {
  return JSON.parse(readFileSync(join(out, 'toy', name, 'summary.json'), 'utf8')) as SweepSummary;
}

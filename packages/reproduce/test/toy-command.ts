/** Runs the toy milestone inside the test and collects what it prints. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, vi } from 'vitest';
import { captureOutput, onlyRunFolder, type CommandOutput } from '../src/testing.ts';
import { main } from './toy/src/reproduce.ts';

const folders: string[] = [];

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'milestones-reproduce-'));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export const runToy = (...argv: string[]): Promise<CommandOutput> => captureOutput(() => main(argv));

/** The only run folder below `<out>/toy`. */
export const onlyRun = (out: string): string => onlyRunFolder(out, 'toy');

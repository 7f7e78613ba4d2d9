/** Runs the toy milestone inside the test and collects what it prints. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, vi } from 'vitest';
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

export async function runToy(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
  const code = await main(argv);
  out.mockRestore();
  err.mockRestore();
  return { code, stdout, stderr };
}

/** The only run folder below `<out>/toy`. */
export function onlyRun(out: string): string {
  const names = readdirSync(join(out, 'toy'));
  if (names.length !== 1) throw new Error(`expected one run, found ${names.join(', ')}`);
  return join(out, 'toy', names[0]!);
}

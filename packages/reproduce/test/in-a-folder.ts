/** What tests that write files, and those of a milestone's command, begin with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import { captureProgram, type CommandOutput } from '../src/testing.ts';

/**
 * A folder of its own for each test, removed after it.
 *
 * @returns its path with `parts` behind it; to be called inside a test
 */
export function temporaryFolder(name: string): (...parts: string[]) => string {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), `milestones-${name}-`));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  return (...parts) => join(folder, ...parts);
}

/** A command of a package as a shell would run it: its file is evaluated anew with each call. */
export function shellCommand(
  name: string,
  load: () => Promise<unknown>,
): (...argv: string[]) => Promise<CommandOutput> {
  return (...argv) =>
    captureProgram(name, argv, () => {
      vi.resetModules();
      return load();
    });
}

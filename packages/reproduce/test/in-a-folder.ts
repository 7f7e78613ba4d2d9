/** What tests that write files, and those of a milestone's command, begin with. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
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

/**
 * One test for each preset: asked for its plan, it states parameters and steps and makes nothing.
 *
 * @param run the milestone's `main`, with its output
 * @param runs where its runs would be
 * @param plans preset, parameters and steps, the numbers as patterns of what is printed
 */
export function itStatesThePlan(
  run: (...argv: string[]) => Promise<CommandOutput>,
  runs: () => string,
  plans: readonly (readonly [preset: string, parameters: string, steps: string])[],
): void {
  it.each(plans)('states the plan of %s without training', async (preset, parameters, steps) => {
    const { code, stdout } = await run('--preset', preset, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`parameters +${parameters}`));
    expect(stdout).toMatch(new RegExp(`steps +${steps}`));
    expect(existsSync(runs())).toBe(false);
  });
}

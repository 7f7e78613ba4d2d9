/**
 * Runs many trials of a milestone from the repository: `pnpm sweep <milestone> --space space.json [flags]`; --help lists all.
 *
 * What is out of date is built first; the build speaks only when it fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = join(root, 'packages');

/** Brings dist up to date and ends the process where that fails. */
function build(/** @type {string} */ name) {
  let compiler;
  try {
    compiler = createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc');
  } catch {
    console.error('sweep: the development tools are not installed; run npx -y pnpm@12.21.0 install, or npm start.');
    process.exit(1);
  }
  const argv = [compiler, '-b', join(packages, name)];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout ?? ''}${stderr ?? ''}\nsweep: the build failed; the messages above say where.`);
  process.exit(1);
}

build('sweep');
const { main } = await import(pathToFileURL(join(packages, 'sweep', 'dist', 'index.js')).href);
const { CommandError } = await import(pathToFileURL(join(packages, 'reproduce', 'dist', 'index.js')).href);

process.exitCode = await main(process.argv.slice(2), {
  prefix: 'pnpm sweep',
  locate(/** @type {string} */ milestone) {
    const milestones = readdirSync(packages).filter((name) => existsSync(join(packages, name, 'presets')));
    if (!milestones.includes(milestone)) {
      throw new CommandError(
        `sweep: there is no milestone called ${JSON.stringify(milestone)}; choose from ${milestones.join(', ')}.`,
      );
    }
    build(milestone);
    return join(packages, milestone, 'dist', 'reproduce.js');
  },
});

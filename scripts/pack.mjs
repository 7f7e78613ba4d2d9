import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command and ends the process with a plain message when it fails. Output is shown only then. */
export function run(/** @type {string} */ command, /** @type {string[]} */ parameters, /** @type {string} */ folder) {
  // On Windows npm and npx are .cmd files, which only a shell can start.
  const shell = process.platform === 'win32';
  const result = spawnSync(command, parameters, { cwd: folder, encoding: 'utf8', shell, maxBuffer: 2 ** 28 });
  if (result.status !== 0) {
    console.error(`${command} ${parameters.join(' ')} failed in ${folder} (status ${result.status}):`);
    console.error(result.error?.message ?? '');
    console.error(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    process.exit(1);
  }
  return result.stdout;
}

/** A folder that is removed when the process ends. */
export function temporaryFolder(/** @type {string} */ name) {
  const folder = mkdtempSync(join(tmpdir(), `milestones-${name}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Path → content of the regular files in a .tgz made by a package manager (ustar, without the leading "package/"). */
export function filesOf(/** @type {string} */ tarball) {
  const bytes = gunzipSync(readFileSync(tarball));
  const text = (/** @type {number} */ from, /** @type {number} */ length) =>
    bytes.toString('utf8', from, from + length).split('\0')[0] ?? '';
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const prefix = text(at + 345, 155);
    const path = (prefix ? `${prefix}/` : '') + text(at, 100);
    const size = Number.parseInt(text(at + 124, 12).trim(), 8);
    const type = text(at + 156, 1);
    if (type === '' || type === '0')
      files.set(path.replace(/^package\//, ''), bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/**
 * Builds and packs every package, as a release would: publishConfig.exports in place, workspace:^ turned into versions.
 * Output left over from files that no longer exist is cleaned first, or it would be packed.
 */
export function packAll(/** @type {string} */ destination) {
  run(process.execPath, [join(root, 'scripts/clean.mjs')], root);
  run('npx', ['-y', 'pnpm@12.21.0', '--silent', 'build'], root);
  run('npx', ['-y', 'pnpm@12.21.0', '-r', '--filter', './packages/*', 'pack', '--pack-destination', destination], root);
  return readdirSync(destination)
    .filter((name) => name.endsWith('.tgz'))
    .toSorted()
    .map((name) => {
      const tarball = join(destination, name);
      const files = filesOf(tarball);
      return { tarball, files, manifest: JSON.parse(files.get('package.json')?.toString() ?? '{}') };
    });
}

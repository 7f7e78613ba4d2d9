/** Which code a worker runs: results of different code do not belong into one table. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The milestone's version and a fingerprint of its built code and of the packages of this project below it. */
export interface CodeVersion {
  /** From the milestone's package.json. */
  release: string;
  /** Twelve digits of the SHA-256 of the code, which tell checkouts of one release apart. */
  code: string;
}

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
}

/** The version of what a milestone's command runs. @param entry its reproduce.js */
export function codeVersion(entry: string): CodeVersion {
  const hash = createHash('sha256');
  const seen = new Set<string>();
  let release = 'unknown';
  const add = (built: string): void => {
    for (const path of codeFiles(built)) {
      hash.update(`${path}\0`);
      // The same checkout on Windows may have other line ends in its presets.
      hash.update(readFileSync(join(built, path), 'utf8').replaceAll('\r\n', '\n'));
    }
    const manifestPath = findManifest(built);
    if (manifestPath === undefined) return;
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
    if (seen.size === 0) release = manifest.version;
    seen.add(manifest.name);
    const require = createRequire(manifestPath);
    const below = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@milestones/'));
    for (const name of below.toSorted()) {
      if (!seen.has(name)) add(join(dirname(require.resolve(`${name}/package.json`)), 'dist'));
    }
  };
  add(dirname(entry));
  return { release, code: hash.digest('hex').slice(0, 12) };
}

/** `0.1.0 (code 3f0a…)` */
export function showVersion({ release, code }: CodeVersion): string {
  return `${release} (code ${code})`;
}

function codeFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true }).map((name) => String(name).replaceAll('\\', '/'));
  return names.filter((name) => /\.(js|mjs|json)$/.test(name)).toSorted();
}

function findManifest(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, 'package.json');
    if (existsSync(path)) return path;
    if (dirname(at) === at) return undefined;
  }
}

/** What a run ran on: the content of environment.json. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { tf } from '@milestones/backend';

/** The part of `useBackend`'s result that a run records. */
export interface EngineDescription {
  name: string;
  tfjsBackend?: string;
  version?: string;
  rejected?: readonly { name: string; reason: string }[];
}

export interface Environment {
  started: string;
  node: string;
  tfjs: string;
  platform: string;
  cpu: string;
  cores: number;
  memoryGB: number;
  engine: EngineDescription;
  /** Versions of the milestone and of the `@milestones` packages that it uses. */
  packages: Record<string, string>;
  /** Commit hash of the repository, null outside one. */
  commit: string | null;
  /** Whether tracked files differed from that commit. */
  dirty: boolean;
}

export function describeEnvironment(engine: EngineDescription, packageFolder: string): Environment {
  const { commit, dirty } = readCommit(packageFolder);
  return {
    started: new Date().toISOString(),
    node: process.version,
    tfjs: tf.version['tfjs'] ?? tf.version['tfjs-core'] ?? 'unknown',
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGB: Number((totalmem() / 2 ** 30).toFixed(1)),
    engine,
    packages: packageVersions(packageFolder),
    commit,
    dirty,
  };
}

/**
 * The commit of the repository that the package lies in. An installed package (below node_modules) has none: the commit
 * found there would be that of its user's project.
 */
export function readCommit(packageFolder: string): { commit: string | null; dirty: boolean } {
  if (packageFolder.split(/[\\/]/).includes('node_modules')) return { commit: null, dirty: false };
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: packageFolder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    }).trim();
  try {
    return { commit: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain', '--untracked-files=no') !== '' };
  } catch {
    return { commit: null, dirty: false };
  }
}

function packageVersions(packageFolder: string): Record<string, string> {
  const versions: Record<string, string> = {};
  const own = readPackage(join(packageFolder, 'package.json'));
  if (!own) return versions;
  versions[own.name] = own.version;
  const require = createRequire(join(packageFolder, 'package.json'));
  for (const name of Object.keys(own.dependencies ?? {}).filter((dependency) =>
    dependency.startsWith('@milestones/'),
  )) {
    try {
      const found = readPackage(require.resolve(`${name}/package.json`));
      if (found) versions[name] = found.version;
    } catch {
      // A dependency that is not installed has no version to report.
    }
  }
  return versions;
}

interface PackageFile {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
}

function readPackage(path: string): PackageFile | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PackageFile;
  } catch {
    return undefined;
  }
}

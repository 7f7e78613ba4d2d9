/**
 * The folder that holds the files of all data sets, laid out `<data set>/<official file name>`. Whoever fills it by hand
 * needs no network; what is in it is checked before it is used.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ArchivedFile, type DataFile, type DataSet, findDataFile } from '../registry.ts';
import { DownloadError } from './download-error.ts';
import { type DownloadOptions, downloadFile } from './download.ts';

/** How a loader gets at its files; all optional. */
export interface LoadOptions extends DownloadOptions {
  /** The cache folder. Default: {@link cacheFolder}. */
  data?: string | undefined;
  /** Never uses the network. Default: whether the environment variable `MILESTONES_OFFLINE` is set (and not `0` or `false`). */
  offline?: boolean | undefined;
}

/** What {@link cacheFolder} looks at; by default this process's own. */
export interface CacheSurroundings {
  environment?: Readonly<Record<string, string | undefined>>;
  platform?: NodeJS.Platform;
  home?: string;
}

/**
 * The cache folder: `MILESTONES_DATA` if it is set, else `milestones` in the user's cache folder: `$XDG_CACHE_HOME` or
 * `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` (there `milestones\Cache`) on Windows.
 */
export function cacheFolder(surroundings: CacheSurroundings = {}): string {
  const { environment = process.env, platform = process.platform, home = homedir() } = surroundings;
  // An empty variable is one that a script meant to leave unset.
  const set = (name: string): string | undefined => environment[name] || undefined;
  const data = set('MILESTONES_DATA');
  if (data !== undefined) return resolve(data);
  if (platform === 'win32') return join(set('LOCALAPPDATA') ?? join(home, 'AppData', 'Local'), 'milestones', 'Cache');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'milestones');
  return join(set('XDG_CACHE_HOME') ?? join(home, '.cache'), 'milestones');
}

/**
 * Makes sure that a file of `dataSet` is in the cache and is what the registry says, and returns its path. Downloads it
 * where it is missing, truncated or damaged. A file that was checked once is not read again until it changes.
 *
 * @throws {@link DownloadError} with the folder and name where the file may be put by hand
 */
export async function downloadDataFile(dataSet: DataSet, fileName: string, options: LoadOptions = {}): Promise<string> {
  const file = findDataFile(dataSet, fileName);
  const folder = join(resolve(options.data || cacheFolder()), ...safeSegments(dataSet.name));
  const path = join(folder, ...safeSegments(file.name));
  if (await wasVerified(folder, path, file)) return path;
  const { urls, sha256, bytes } = file;
  const offline = options.offline ?? isOfflineEnvironment(process.env['MILESTONES_OFFLINE']);
  await downloadFile({ urls, path, sha256, bytes }, { ...options, offline });
  await saveVerification(folder, path, file);
  return path;
}

/** The content of a file of `dataSet`; see {@link downloadDataFile}. */
export async function loadDataFile(dataSet: DataSet, fileName: string, options: LoadOptions = {}): Promise<Uint8Array> {
  const path = await downloadDataFile(dataSet, fileName, options);
  const content = await readFile(path);
  const { bytes } = findDataFile(dataSet, fileName);
  if (content.length !== bytes) {
    throw new DownloadError(
      `loadDataFile: ${path} changed while it was read: ${content.length} bytes instead of ${bytes}; run again.`,
      { failure: 'disk', path },
    );
  }
  return content;
}

/**
 * The content of a file of `dataSet`'s archive where its unpacked copy lies in the cache; nothing where there is none.
 * A damaged copy is as good as none, and `onNotice` is told.
 */
export async function loadUnpackedFile(
  dataSet: DataSet,
  file: ArchivedFile,
  options: LoadOptions = {},
): Promise<Uint8Array | undefined> {
  const folder = join(resolve(options.data || cacheFolder()), ...safeSegments(dataSet.name));
  const path = join(folder, ...safeSegments(file.name));
  const size = (await stat(path).catch(() => undefined))?.size;
  if (size === undefined) return undefined;
  if (size !== file.bytes) {
    options.onNotice?.(`${path} has ${size} bytes instead of ${file.bytes}; using the archive instead.`);
    return undefined;
  }
  const content = await readFile(path);
  if (file.sha256 === undefined) return content;
  const known = { ...file, sha256: file.sha256, urls: [] };
  if (await wasVerified(folder, path, known)) return content;
  const found = createHash('sha256').update(content).digest('hex');
  if (found !== file.sha256) {
    options.onNotice?.(
      `${path} is damaged: its SHA-256 is ${found} instead of ${file.sha256}; using the archive instead.`,
    );
    return undefined;
  }
  await saveVerification(folder, path, known);
  return content;
}

/** Whether `MILESTONES_OFFLINE` with this value forbids the network. */
export function isOfflineEnvironment(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no'].includes(value.toLowerCase());
}

/** The parts of a name from the registry, none of which may lead out of the cache. */
function safeSegments(name: string): string[] {
  const segments = name.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || /[\\:]/.test(segment))) {
    throw new Error(`cache: the name "${name}" arrived; give a name relative to the cache, with / between folders.`);
  }
  return segments;
}

// Hashing 170 MB takes a good part of a second, so the folder remembers which files were found right. Any change of a
// file's content, name or time stamps changes `changed` too, and it is then hashed again.
interface Verification {
  sha256: string;
  bytes: number;
  modified: number;
  changed: number;
}

type Verifications = Record<string, Verification | undefined>;

async function describeFile(path: string, sha256: string): Promise<Verification | undefined> {
  const status = await stat(path).catch(() => undefined);
  if (!status?.isFile()) return undefined;
  return { sha256, bytes: status.size, modified: status.mtimeMs, changed: status.ctimeMs };
}

async function loadVerifications(folder: string): Promise<Verifications> {
  try {
    const saved: unknown = JSON.parse(await readFile(join(folder, '.verified.json'), 'utf8'));
    return typeof saved === 'object' && saved !== null && !Array.isArray(saved) ? (saved as Verifications) : {};
  } catch {
    // Missing or unreadable: the files are hashed again.
    return {};
  }
}

async function wasVerified(folder: string, path: string, file: DataFile): Promise<boolean> {
  const now = await describeFile(path, file.sha256);
  if (now === undefined || now.bytes !== file.bytes) return false;
  const then = (await loadVerifications(folder))[file.name];
  return (
    then?.sha256 === now.sha256 &&
    then.bytes === now.bytes &&
    then.modified === now.modified &&
    then.changed === now.changed
  );
}

async function saveVerification(folder: string, path: string, file: DataFile): Promise<void> {
  const verification = await describeFile(path, file.sha256);
  if (verification === undefined) return;
  const target = join(folder, '.verified.json');
  const temporary = `${target}.${randomUUID()}`;
  try {
    const all = { ...(await loadVerifications(folder)), [file.name]: verification };
    await writeFile(temporary, `${JSON.stringify(all, null, 2)}\n`);
    await rename(temporary, target);
  } catch {
    // A cache that may only be read, or a full disk: the file is hashed again next time.
    await rm(temporary, { force: true }).catch(() => {});
  }
}

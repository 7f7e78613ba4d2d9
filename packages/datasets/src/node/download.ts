/**
 * Downloads that can be trusted: a file gets its name only when its size and SHA-256 are right. What arrived before a
 * connection broke is kept as `<file>.part` and continued, in this process or in a later one.
 */
import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DownloadError, type DownloadFailure } from './download-error.ts';
import { withLock } from './lock.ts';
import { PartFile, loadDigest, partPath } from './part-file.ts';
import { AttemptError, DiskError, transfer } from './transfer.ts';

/** How far a download is. */
export interface DownloadProgress {
  /** The file that is being made. */
  path: string;
  /** Bytes there are; falls when a download has to begin again. */
  bytes: number;
  /** Bytes there will be. */
  total: number;
}

/** How to download; all optional. */
export interface DownloadOptions {
  /** Called after every piece that arrives: often; a display should thin it out. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Told, in a sentence, what the user may want to know: a damaged file is replaced, another process is waited for. */
  onNotice?: ((notice: string) => void) | undefined;
  /** Never uses the network. */
  offline?: boolean | undefined;
  /** Sent with each request. An `authorization` stays behind where a request is led to another host. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Stops the download; what arrived is kept. */
  signal?: AbortSignal | undefined;
  /** How often a URL is tried again after a failure. Attempts that bring the file forward do not count. Default 4. */
  retries?: number | undefined;
  /** The pause before the first retry; each further one is twice as long, to at most 30 s. Default 500. */
  retryMilliseconds?: number | undefined;
  /** After how long without a byte a connection is given up. Default 30,000. */
  stallMilliseconds?: number | undefined;
}

/** What to download, and where to. */
export interface DownloadRequest {
  /** Where the file can be had, tried in this order. */
  urls: readonly string[];
  /** Where it goes. */
  path: string;
  /** Its SHA-256, 64 lower-case hexadecimal digits. */
  sha256: string;
  /** Its size. */
  bytes: number;
}

// The lock of a download whose process was stopped for this long may be taken over.
const abandonedMilliseconds = 20_000;
const longestPauseMilliseconds = 30_000;

/**
 * Makes sure that the file is at `request.path`, and returns that path. A file that is there already is checked, and
 * used or replaced. Several processes may ask for the same file at once: one downloads, the others wait for it.
 *
 * @throws {@link DownloadError}
 */
export async function downloadFile(request: DownloadRequest, options: DownloadOptions = {}): Promise<string> {
  const { path } = request;
  const damage = await inspect(request);
  if (damage === 'none') return path;
  if (options.offline === true) {
    const why = damage === 'missing' ? `${path} is not there` : damage;
    throw new DownloadError(`download: ${why}, and working offline was asked for. ${byHand(request)}`, {
      failure: 'offline',
      path,
    });
  }
  if (damage !== 'missing') options.onNotice?.(`${damage}; downloading it anew.`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await withLock(
      `${path}.lock`,
      {
        abandonedMilliseconds,
        signal: options.signal,
        onWait: (lock) => options.onNotice?.(`another process is downloading ${path}; waiting for it (lock: ${lock}).`),
      },
      // Whoever held the lock may have finished the file.
      async () => ((await inspect(request)) === 'none' ? undefined : downloadLocked(request, options)),
    );
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof DownloadError) throw error;
    if (error instanceof DiskError || typeof (error as NodeJS.ErrnoException).code === 'string') {
      throw await diskError(request, error);
    }
    throw error;
  }
  return path;
}

/** `none`, `missing`, or a sentence on what is wrong with the file. */
async function inspect(request: DownloadRequest): Promise<string> {
  const { path, bytes, sha256 } = request;
  let status;
  try {
    status = await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
    throw await diskError(request, error);
  }
  if (!status.isFile()) {
    throw new DownloadError(`download: ${path} is not a file; remove it, and run again.`, { failure: 'disk', path });
  }
  if (status.size !== bytes) {
    const what = status.size < bytes ? 'truncated' : 'too long';
    return `${path} is ${what}: it has ${status.size} bytes instead of ${bytes}`;
  }
  const found = (await loadDigest(path)).sha256;
  if (found === sha256) return 'none';
  return `${path} is damaged: its SHA-256 is ${found} instead of ${sha256}`;
}

async function downloadLocked(request: DownloadRequest, options: DownloadOptions): Promise<void> {
  const part = await PartFile.open(request.path);
  try {
    if (isWhole(part, request)) {
      await part.finish();
      return;
    }
    if (part.size >= request.bytes) await part.restart();
    const failures: AttemptError[] = [];
    for (const url of request.urls) {
      try {
        await downloadFrom(url, part, request, options);
        await part.finish();
        return;
      } catch (error) {
        if (!(error instanceof AttemptError)) throw error;
        failures.push(error);
      }
    }
    throw await failed(part, request, failures);
  } finally {
    await part.close();
  }
}

async function downloadFrom(
  url: string,
  part: PartFile,
  request: DownloadRequest,
  options: DownloadOptions,
): Promise<void> {
  const { bytes, sha256 } = request;
  const { retries = 4, retryMilliseconds = 500, stallMilliseconds = 30_000, signal, onProgress, headers } = options;
  const step = Math.max(1 << 16, bytes / 100);
  let highest = part.size;
  let failures = 0;
  const report = (): void => onProgress?.({ path: request.path, bytes: part.size, total: bytes });
  for (;;) {
    let error: AttemptError;
    try {
      const { resumed } = await transfer(url, part, { bytes, stallMilliseconds, headers, signal, onChunk: report });
      if (isWhole(part, request)) return;
      const found = part.sha256;
      await part.restart();
      error = new AttemptError(
        `${url} sent ${bytes} bytes with SHA-256 ${found} instead of ${sha256}`,
        'checksum',
        // Pieces of two different files may have been joined: worth one more try from the beginning.
        resumed ? 'retry' : 'give-up',
      );
    } catch (caught) {
      if (!(caught instanceof AttemptError)) throw caught;
      error = caught;
    }
    // Only bytes never reached before count as a step forward: a server that keeps sending the same beginning must
    // not keep us here for ever.
    failures = part.size >= highest + step ? 1 : failures + 1;
    highest = Math.max(highest, part.size);
    const allowed = error.next === 'retry' ? retries : error.next === 'retry-once' ? Math.min(retries, 1) : 0;
    if (failures > allowed) throw error;
    const pause = error.pauseMilliseconds ?? retryMilliseconds * 2 ** (failures - 1);
    await sleep(Math.min(pause, longestPauseMilliseconds), undefined, { signal });
  }
}

function isWhole(part: PartFile, request: DownloadRequest): boolean {
  return part.size === request.bytes && part.sha256 === request.sha256;
}

async function failed(part: PartFile, request: DownloadRequest, errors: AttemptError[]): Promise<DownloadError> {
  const kinds: readonly DownloadFailure[] = ['checksum', 'answer', 'network'];
  const failure = kinds.find((kind) => errors.some((error) => error.failure === kind)) ?? 'network';
  const reasons = errors.map((error) => error.message).join('; ');
  let message = `download: ${basename(request.path)} could not be downloaded: ${reasons || 'no URL is known'}. `;
  if (part.size === 0) {
    await part.discard();
    if (failure === 'checksum') message += 'What arrived was removed. ';
  } else {
    message += `${part.size} of ${request.bytes} bytes are kept in ${part.path}: run again to continue from there. `;
  }
  if (failure === 'checksum') {
    message +=
      'Something between here and the server (a proxy, a login page) may have replaced the file, or it has changed at its source: try again from another network. ';
  }
  return new DownloadError(message + byHand(request), { failure, path: request.path, cause: errors.at(-1) });
}

async function diskError(request: DownloadRequest, error: unknown): Promise<DownloadError> {
  const { path, bytes } = request;
  const cause = error instanceof DiskError ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException).code;
  const kept = await stat(partPath(path)).catch(() => undefined);
  const size = kept?.size ?? 0;
  const elsewhere = 'or name another folder in MILESTONES_DATA';
  const message =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? `download: the disk is full: ${size} of ${bytes} bytes are written` +
        `${size > 0 ? ` and kept in ${partPath(path)}` : ''}. ` +
        `Free at least ${bytes - size} bytes, and run again to continue from there; ${elsewhere}.`
      : `download: ${path} cannot be written (${code ?? String(cause)}). ` +
        `Make the folder ${dirname(path)} readable and writable, ${elsewhere}.`;
  return new DownloadError(message, { failure: 'disk', path, cause });
}

/** What a user can do who has the file, or another way to get it. */
function byHand(request: DownloadRequest): string {
  const { urls, path, bytes, sha256 } = request;
  return (
    `To put the file there by hand: get ${urls.join(' or ')} (${bytes} bytes, SHA-256 ${sha256}), ` +
    `and save it as ${basename(path)} in the folder ${dirname(path)}.`
  );
}

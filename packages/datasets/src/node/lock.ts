/**
 * A lock file, so that of several processes (or several calls in one) that want the same download only one writes.
 * The owner renews the file's time stamp; a lock that nobody has renewed for a while, or whose process is gone, was left
 * by a process that was killed, and is taken over.
 */
import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const renewMilliseconds = 2_000;

/** How {@link withLock} waits. */
export interface LockOptions {
  /** After how long without renewal a lock counts as abandoned. */
  abandonedMilliseconds: number;
  signal?: AbortSignal | undefined;
  /** Called once, when the lock is found taken. */
  onWait?: ((path: string) => void) | undefined;
}

/** Runs `work` while holding the lock file `path`; waits as long as someone else holds it. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const token = JSON.stringify({ process: process.pid, host: hostname(), id: randomUUID() });
  let told = false;
  while (!(await create(path, token))) {
    if (await removeIfAbandoned(path, options.abandonedMilliseconds)) continue;
    if (!told) options.onWait?.(path);
    told = true;
    await sleep(100, undefined, { signal: options.signal });
  }
  const renewal = setInterval(() => {
    const now = new Date();
    // A renewal that fails is no reason to fail the work: at worst the lock looks abandoned.
    utimes(path, now, now).catch(() => {});
  }, renewMilliseconds);
  renewal.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    if ((await content(path)) === token) await rm(path, { force: true });
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(token);
    } catch (error) {
      // Not even a lock file fits on the disk: leave none behind.
      await rm(path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    // On Windows a lock that is just being removed answers EPERM.
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || (code === 'EPERM' && process.platform === 'win32')) return false;
    throw error;
  }
}

/** What the lock file says; nothing where there is none, and an empty text where it cannot be read. */
async function content(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : ''));
}

/** Whether it is worth trying at once to create the lock again. */
async function removeIfAbandoned(path: string, abandonedMilliseconds: number): Promise<boolean> {
  const judged = await content(path);
  const status = await stat(path).catch(() => undefined);
  if (judged === undefined || status === undefined) return true;
  if (Date.now() - status.mtimeMs < abandonedMilliseconds && !ownerIsGone(judged)) return false;
  // Between the judgement and the removal another process may have taken the lock over. Renaming picks up whatever is
  // there now; if it is not what was judged, it goes back.
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  if ((await content(aside)) !== judged) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
  return true;
}

function ownerIsGone(token: string): boolean {
  try {
    const owner = JSON.parse(token) as { process?: number; host?: string };
    // Process numbers mean nothing on another machine that shares the folder.
    if (owner.host !== hostname() || typeof owner.process !== 'number') return false;
    process.kill(owner.process, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

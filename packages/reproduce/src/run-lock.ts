/**
 * A run folder has one writer, and so has a sweep's. The file `run.lock` (`sweep.lock`) names the process that writes it; the
 * lock of a process that no longer exists (SIGKILL, power loss) is taken over without asking.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

interface LockContent {
  pid: number;
  /** Differs between two processes that got the same pid one after the other. */
  token: string;
  host: string;
  /** Linux: the kernel's start time of the process, to notice a reused pid. */
  started: string | null;
}

const ownToken = randomUUID();

export interface RunLock {
  release(): void;
}

/** Takes the lock of a run folder, or of another kind of folder. Throws where a living process holds it. */
export function lockRun(folder: string, kind: 'run' | 'sweep' = 'run'): RunLock {
  const path = join(folder, `${kind}.lock`);
  const own: LockContent = { pid: process.pid, token: ownToken, host: hostname(), started: processStart(process.pid) };
  const temporary = join(folder, `.${kind}.lock-${randomUUID()}`);
  writeFileSync(temporary, `${JSON.stringify(own)}\n`);
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      if (tryLink(temporary, path)) return { release: () => releaseLock(path) };
      const holder = readLock(path);
      if (holder && isAlive(holder)) {
        throw new Error(
          `${kind} folder ${folder}: process ${holder.pid} on ${holder.host} is writing it; wait for it to end, or delete ${path} if you are sure that it has ended.`,
        );
      }
      removeStale(path, holder);
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  throw new Error(
    `${kind} folder ${folder}: its lock could not be taken; several processes seem to resume it at once, start only one.`,
  );
}

/** A hard link appears with its content complete, and fails where the name exists. */
function tryLink(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
  }
  try {
    // File systems without hard links (exFAT, some network drives).
    writeFileSync(path, readFileSync(temporary), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readLock(path: string): LockContent | undefined {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as LockContent;
    return typeof content.pid === 'number' ? content : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(holder: LockContent): boolean {
  if (holder.host !== hostname()) return true; // not ours to judge: the folder may be on a shared drive
  if (holder.pid === process.pid) return holder.token === ownToken;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const started = processStart(holder.pid);
  return started === null || holder.started === null || started === holder.started;
}

/** Field 22 of /proc/<pid>/stat, counted after the command's closing bracket; null elsewhere than on Linux. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Moves a stale lock away. Were two processes to do so at once, one of them might move the other's fresh lock: it is put back. */
function removeStale(path: string, stale: LockContent | undefined): void {
  const aside = `${path}-${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readLock(aside);
  if (moved?.token !== stale?.token) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function releaseLock(path: string): void {
  if (readLock(path)?.token === ownToken) rmSync(path, { force: true });
}

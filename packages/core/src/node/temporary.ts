/**
 * Temporary names. What is being written has a name that no reader takes for a finished file; when its process dies, the
 * name still says whose it was, so that it can be cleaned up.
 */
import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';

const prefix = '.milestones-temporary-';
const pattern = /^\.milestones-temporary-([0-9]+)-([0-9a-f]{12})-[0-9]+$/;
// Process ids are reused, in containers at once: the token tells this process from a dead one with the same id.
const processToken = randomBytes(6).toString('hex');
let counter = 0;

/** A new name in `folder` for something that is not finished; nothing is created. */
export function temporaryPath(folder: string): string {
  counter += 1;
  // Short and independent of the final name, which may already be as long as the file system allows.
  return path.join(folder, `${prefix}${process.pid}-${processToken}-${counter}`);
}

/**
 * Removes what dead processes left behind in `folder` while saving: files and folders under temporary names. What a
 * living process of this machine is writing stays.
 *
 * @returns the paths that were removed; empty also when the folder does not exist
 */
export async function cleanTemporary(folder: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await namesIn(folder)) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const owner = Number(match[1]);
    const alive = owner === process.pid ? match[2] === processToken : isRunning(owner);
    if (alive) continue;
    const leftover = path.join(folder, name);
    await fs.rm(leftover, { recursive: true, force: true, maxRetries: 3 });
    removed.push(leftover);
  }
  return removed;
}

/** Names in a folder, sorted; none where the folder does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await fs.readdir(folder)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

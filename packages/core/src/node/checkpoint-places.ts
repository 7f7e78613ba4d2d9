/**
 * Checkpoints change places only by renaming: at every moment each final name holds a whole checkpoint or nothing, and
 * a checkpoint that is replaced exists until its successor has the name.
 */
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { findCheckpoints, replacedName, stepName } from './checkpoint-folder.ts';
import { exists, reasonOf, syncFolder } from './files.ts';
import { cleanTemporary, temporaryPath } from './temporary.ts';

/**
 * Tidies a folder of checkpoints after a process died: finishes or takes back a replacement, and removes temporary
 * folders of dead processes. Call it before a run resumes.
 */
export async function cleanCheckpoints(checkpointsFolder: string): Promise<void> {
  for (const { step, folder, hasSuccessor } of (await findCheckpoints(checkpointsFolder)).replaced) {
    if (hasSuccessor) await removeFolder(folder, checkpointsFolder);
    else await fs.rename(folder, path.join(checkpointsFolder, stepName(step)));
  }
  await cleanTemporary(checkpointsFolder);
}

/** Gives a complete temporary folder its final name; a folder of that name steps aside first. */
export async function putInPlace(temporary: string, checkpointsFolder: string, step: number): Promise<void> {
  const folder = path.join(checkpointsFolder, stepName(step));
  const replaced = path.join(checkpointsFolder, replacedName(step));
  const replaces = await exists(folder);
  if (replaces) {
    await removeFolder(replaced, checkpointsFolder);
    await fs.rename(folder, replaced);
  }
  try {
    await fs.rename(temporary, folder);
  } catch (error) {
    if (replaces) await fs.rename(replaced, folder);
    throw error;
  }
  await syncFolder(checkpointsFolder);
  await removeFolder(replaced, checkpointsFolder);
}

/** Removes checkpoints up to `step` beyond the newest `keep`. */
export async function removeOld(checkpointsFolder: string, step: number, keep: number): Promise<void> {
  const { checkpoints } = await findCheckpoints(checkpointsFolder);
  // Later steps do not count: damaged ones of a run that was taken back would push out the one just saved.
  const upToNow = checkpoints.filter((checkpoint) => checkpoint.step <= step);
  for (const { folder } of upToNow.slice(keep)) {
    await removeFolder(folder, checkpointsFolder).catch((cause: unknown) => {
      throw new Error(
        `saveCheckpoint: ${stepName(step)} is saved, but the old checkpoint ${folder} could not be removed ` +
          `(${reasonOf(cause)}); remove it by hand, or check the folder's permissions.`,
        { cause },
      );
    });
  }
}

/** Removes a folder under a temporary name, so that nothing half-deleted ever has a final one. */
async function removeFolder(folder: string, checkpointsFolder: string): Promise<void> {
  if (!(await exists(folder))) return;
  const temporary = temporaryPath(checkpointsFolder);
  await fs.rename(folder, temporary);
  await fs.rm(temporary, { recursive: true, force: true, maxRetries: 3 });
}

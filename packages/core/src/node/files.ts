/**
 * Files that are either whole or absent: written under a temporary name, forced to disk, and only then renamed. A rename
 * replaces the old file in one step, so a reader, and a run that is killed, find the old bytes or the new ones.
 */
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { bytesInWords } from '../safetensors/format.ts';
import { temporaryPath } from './temporary.ts';

/** The disk (or the user's quota) is full: freeing space and saving again helps. */
export class DiskFullError extends Error {
  override name = 'DiskFullError';
}

// One write call takes less than 2 GiB; pieces of this size also let other work run in between.
const pieceBytes = 64 * 1024 * 1024;

/**
 * Writes a file whole or not at all, and creates its folder where needed. A file that was there before stays untouched
 * until the new one is complete and on disk.
 *
 * @param content text (as UTF-8), bytes, or pieces of bytes that are written one after the other
 * @throws {DiskFullError} when there is no space left; another `Error` names path and cause
 */
export async function saveFile(file: string, content: Uint8Array | string | readonly Uint8Array[]): Promise<void> {
  const pieces = piecesOf(content);
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const folder = path.dirname(file);
  const temporary = temporaryPath(folder);
  try {
    await makeFolder(folder);
    await writeSynced(temporary, pieces);
    await fs.rename(temporary, file);
  } catch (cause) {
    await removeQuietly(temporary);
    throw await savingError(
      'saveFile',
      file,
      bytes,
      (await exists(file)) ? 'The previous file is untouched.' : '',
      cause,
    );
  }
  try {
    await syncFolder(folder);
  } catch (cause) {
    throw new Error(
      `saveFile: ${file} is written, but its folder could not be forced to disk (${reasonOf(cause)}); ` +
        'check the disk, the file might not survive a power cut.',
      { cause },
    );
  }
}

/**
 * Writes the files of a folder, such as those of a model, each whole or not at all.
 *
 * @param files contents by name
 */
export async function saveFolder(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await saveFile(path.join(folder, name), content);
}

/**
 * Reads a whole file.
 *
 * @throws an `Error` that names the path when the file is missing or unreadable; its `cause` is the system's error
 */
export async function loadFile(file: string): Promise<Uint8Array> {
  try {
    const bytes = await fs.readFile(file);
    // A plain view: Buffer's own methods differ from those of Uint8Array (slice does not copy).
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (cause) {
    throw loadingError('loadFile', file, cause);
  }
}

/** The error for a file that cannot be read. */
export function loadingError(where: string, file: string, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new Error(`${where}: there is no file ${path.resolve(file)}; check the path, or create the file first.`, {
      cause,
    });
  }
  if (code === 'EISDIR') {
    return new Error(`${where}: ${path.resolve(file)} is a folder; pass the path of a file in it.`, { cause });
  }
  return new Error(
    `${where}: ${path.resolve(file)} could not be read (${reasonOf(cause)}); check its permissions and its disk.`,
    {
      cause,
    },
  );
}

/** The error for something that could not be saved; looks up the free space, so call it after cleaning up. */
export async function savingError(
  where: string,
  target: string,
  bytes: number,
  kept: string,
  cause: unknown,
): Promise<Error> {
  const code = (cause as NodeJS.ErrnoException).code;
  const ending = kept === '' ? 'Nothing was left under this name.' : kept;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const free = await freeBytes(path.dirname(target));
    const limit = code === 'EDQUOT' ? 'the disk quota is used up' : 'the disk is full';
    return new DiskFullError(
      `${where}: ${limit}: ${path.resolve(target)} needs ${bytesInWords(bytes)}` +
        `${free === undefined ? '' : ` and ${bytesInWords(free)} are free`}; free some space and save again. ${ending}`,
      { cause },
    );
  }
  return new Error(
    `${where}: ${path.resolve(target)} (${bytesInWords(bytes)}) could not be written: ${reasonOf(cause)}; ` +
      `check the folder's permissions and its disk, then save again. ${ending}`,
    { cause },
  );
}

/** Writes a new file and forces it to disk. Fails when the file exists. */
export async function writeSynced(file: string, pieces: readonly Uint8Array[]): Promise<void> {
  const handle = await fs.open(file, 'wx');
  try {
    for (const piece of pieces) {
      let offset = 0;
      while (offset < piece.byteLength) {
        // A write may stop early without an error: only the count tells.
        const { bytesWritten } = await handle.write(piece, offset, Math.min(pieceBytes, piece.byteLength - offset));
        offset += bytesWritten;
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Forces a folder's entries to disk: without it a renamed file may be gone after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders, and keeps their entries in its journal by itself.
  if (process.platform === 'win32') return;
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot do this for folders; there is nothing else to do for them.
    if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Creates a folder and the folders above it, where they are missing, and forces the new entry to disk. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await fs.mkdir(folder, { recursive: true });
  if (first !== undefined) await syncFolder(path.dirname(first));
}

/** Removes a file or folder as far as possible: used where another error is already on its way to the caller. */
export async function removeQuietly(target: string): Promise<void> {
  await fs.rm(target, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}

/** Whether something has this path. */
export async function exists(target: string): Promise<boolean> {
  return fs.access(target).then(
    () => true,
    () => false,
  );
}

/** The system's reason in words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Content as bytes in pieces. */
export function piecesOf(content: Uint8Array | string | readonly Uint8Array[]): readonly Uint8Array[] {
  if (typeof content === 'string') return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

async function freeBytes(folder: string): Promise<number | undefined> {
  return fs.statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  );
}

/** Two ways to run out of space in a test: a real disk of 1 MB, and writes that fail. */
import { execFile } from 'node:child_process';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';

const run = promisify(execFile);

/** Mounts a disk of 1 MB below `folder`; undefined where this user or this system cannot. */
export async function mountSmallDisk(
  folder: string,
): Promise<{ folder: string; unmount: () => Promise<unknown> } | undefined> {
  const disk = path.join(folder, 'disk');
  await fs.mkdir(disk);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  } catch {
    await fs.rmdir(disk);
    return undefined;
  }
  return { folder: disk, unmount: () => run('umount', ['-l', disk]) };
}

/** Lets files opened from now on take `afterBytes` bytes together and then fail; ends with `vi.restoreAllMocks()`. */
export function failingWrites({ afterBytes, code }: { afterBytes: number; code: string }): void {
  const open = fs.open.bind(fs);
  let left = afterBytes;
  vi.spyOn(fs, 'open').mockImplementation(async (name, ...rest) => {
    const handle = await open(name, ...rest);
    const write = handle.write.bind(handle) as (data: Uint8Array, offset: number, length: number) => Promise<unknown>;
    handle.write = (async (data: Uint8Array, offset: number, length: number) => {
      if (left === 0) throw Object.assign(new Error(`${code}: write`), { code });
      const part = Math.min(left, length);
      left -= part;
      return write(data, offset, part);
    }) as typeof handle.write;
    return handle;
  });
}

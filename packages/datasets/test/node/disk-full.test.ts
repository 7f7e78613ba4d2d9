import { existsSync } from 'node:fs';
import type * as FileSystem from 'node:fs/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { DownloadError, downloadFile } from '../../src/node.ts';
import { content, requestFor, serve, serveFile, temporaryFolder } from './local-server.ts';

const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));

// A disk with room for `disk.room` bytes of `.part` files: it takes what still fits, then fails as a full disk does.
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof FileSystem>();
  const open: typeof real.open = async (path, flags, mode) => {
    const handle = await real.open(path, flags, mode);
    if (!String(path).endsWith('.part')) return handle;
    const write = handle.write.bind(handle) as (
      buffer: Uint8Array,
      offset: number,
      length: number,
      position: number,
    ) => Promise<{ bytesWritten: number; buffer: Uint8Array }>;
    handle.write = (async (buffer: Uint8Array, offset: number, length: number, position: number) => {
      const fits = Math.min(length, disk.room - position);
      if (fits <= 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      return write(buffer, offset, fits, position);
    }) as typeof handle.write;
    return handle;
  };
  return { ...real, open };
});

it('a full disk stops the download, says how much room is missing, and keeps what was written', async () => {
  const server = await serve((request, response) => serveFile(request, response));
  const path = join(await temporaryFolder(), 'file.bin');
  disk.room = 120_000;
  const error: unknown = await downloadFile(requestFor(path, server.url)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DownloadError);
  expect((error as DownloadError).failure).toBe('disk');
  expect((error as DownloadError).message).toBe(
    `download: the disk is full: 120000 of 300000 bytes are written and kept in ${path}.part. ` +
      'Free at least 180000 bytes, and run again to continue from there; or name another folder in MILESTONES_DATA.',
  );
  expect(content.subarray(0, 120_000).equals(await readFile(`${path}.part`))).toBe(true);
  expect(existsSync(path)).toBe(false);
  expect(server.requests).toHaveLength(1);

  disk.room = Number.POSITIVE_INFINITY;
  await downloadFile(requestFor(path, server.url));
  expect(server.requests[1]!.range).toBe('bytes=120000-');
  expect(content.equals(await readFile(path))).toBe(true);
});

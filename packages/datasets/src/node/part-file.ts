import { type Hash, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The SHA-256 of a file in hexadecimal, and its size. */
export async function loadDigest(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/**
 * A file in the making, `<name>.part`: hashes what it is given, and gets its final name only when complete, so that a
 * file under its final name is never half-written.
 */
export class PartFile {
  readonly path: string;
  readonly #destination: string;
  readonly #handle: FileHandle;
  #hash: Hash;
  #size: number;

  private constructor(destination: string, handle: FileHandle, hash: Hash, size: number) {
    this.#destination = destination;
    this.path = partPath(destination);
    this.#handle = handle;
    this.#hash = hash;
    this.#size = size;
  }

  /** Opens the part of `destination`; what an earlier download left is hashed again and kept. */
  static async open(destination: string): Promise<PartFile> {
    await mkdir(dirname(destination), { recursive: true });
    // 'a+' would ignore positions on Linux, and 'w+' would empty the file.
    const path = partPath(destination);
    const handle = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return open(path, 'w+');
    });
    try {
      const hash = createHash('sha256');
      const buffer = Buffer.alloc(1 << 20);
      let size = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, size);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        size += bytesRead;
      }
      return new PartFile(destination, handle, hash, size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Where it is noted which version of the file on the server this is a part of. */
  get validatorPath(): string {
    return `${this.path}.json`;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** SHA-256 of the bytes so far, in hexadecimal. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  async append(chunk: Uint8Array): Promise<void> {
    let written = 0;
    // One write may take only part of the chunk, for example the part that still fits on the disk.
    while (written < chunk.length) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, this.#size);
      this.#hash.update(chunk.subarray(written, written + bytesWritten));
      this.#size += bytesWritten;
      written += bytesWritten;
    }
  }

  /** Throws away what there is so far. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#size = 0;
  }

  /** Gives the file its final name; it is then safe against a power failure. */
  async finish(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rm(this.validatorPath, { force: true });
    await rename(this.path, this.#destination);
    await syncFolder(dirname(this.#destination));
  }

  /** Closes the file and leaves it as it is; closing twice does no harm. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Closes and deletes the file. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.path, { force: true });
    await rm(this.validatorPath, { force: true });
  }
}

export function partPath(destination: string): string {
  return `${destination}.part`;
}

/** Makes a rename last; Windows cannot open a folder, and does not need to. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

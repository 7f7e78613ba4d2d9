import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { FormatError } from '../formats/format-error.ts';

const unpack = promisify(gunzip);

/**
 * Unpacks gzip, to at most `limit` bytes: a small file may claim to unpack to any size.
 *
 * @param where what the bytes are, for error messages
 * @throws `FormatError` when the bytes are damaged or truncated, or unpack to more than `limit`
 */
export async function gunzipBytes(bytes: Uint8Array, limit: number, where: string): Promise<Uint8Array> {
  try {
    return await unpack(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what =
      code === 'ERR_BUFFER_TOO_LARGE'
        ? `it unpacks to more than the ${limit} bytes expected`
        : `gzip reports "${message}"; the file is truncated or damaged`;
    throw new FormatError(`${where}: ${what}. Get the file anew.`, { cause: error });
  }
}

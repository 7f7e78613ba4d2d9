import { readFile } from 'node:fs/promises';
import { type ParallelText, type ReadParallelTextOptions, readParallelText } from '../parallel/parallel-text.ts';

/**
 * Parallel text from a user's own two files, as WMT's are: UTF-8, one sentence per line; see `readParallelText`.
 *
 * @throws `FormatError` with file and line when the two do not fit together; an `Error` when one cannot be read
 */
export async function loadParallelText(
  sourcePath: string,
  targetPath: string,
  options: ReadParallelTextOptions = {},
): Promise<ParallelText> {
  const [source, target] = await Promise.all([loadBytesOf(sourcePath), loadBytesOf(targetPath)]);
  return readParallelText(source, target, { sourceName: sourcePath, targetName: targetPath, ...options });
}

async function loadBytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(
      `loadParallelText: ${path} could not be read (${(error as Error).message}); give the path of a text file.`,
      { cause: error },
    );
  }
}

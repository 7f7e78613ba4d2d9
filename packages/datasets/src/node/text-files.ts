/** A user's own texts and tokenizers from files. */
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { saveFile } from '@milestones/core/node';
import { FormatError } from '../formats/format-error.ts';
import { decodeText } from '../text/decode-text.ts';
import { type LabelledText, type ReadLabelledTextOptions, readLabelledText } from '../text/labelled-text.ts';
import {
  type TokenizerFileName,
  readTokenizerFiles,
  tokenizerFileNames,
  tokenizerFiles,
} from '../tokenizers/tokenizer-files.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';

/**
 * The text of a UTF-8 file.
 *
 * @throws `FormatError` with the line when it is not UTF-8, or when it is empty; an `Error` when it cannot be read
 */
export async function loadText(path: string): Promise<string> {
  const text = decodeText(await loadBytesOf('loadText', path), path);
  if (text.trim() === '') throw new FormatError(`${path}: there is no text in this file; give a file with some.`);
  return text;
}

/**
 * Texts with labels from a user's own tab-separated file; see `readLabelledText`.
 *
 * @throws `FormatError` with file and line when the table is not as described; an `Error` when it cannot be read
 */
export async function loadLabelledText(path: string, options: ReadLabelledTextOptions = {}): Promise<LabelledText> {
  return readLabelledText(await loadBytesOf('loadLabelledText', path), { name: path, ...options });
}

/**
 * The tokenizer of a model's folder: `vocab.txt`, or `vocab.json` and `merges.txt`, or `tokenizer.json`.
 *
 * @throws `FormatError` when there is none, or its files are damaged
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const files: Partial<Record<TokenizerFileName, string>> = {};
  for (const name of tokenizerFileNames) {
    let bytes;
    try {
      bytes = await readFile(join(folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new Error(`loadTokenizer: ${join(folder, name)} could not be read (${(error as Error).message}).`, {
        cause: error,
      });
    }
    files[name] = decodeText(bytes, join(folder, name));
  }
  try {
    return readTokenizerFiles(files);
  } catch (error) {
    throw new FormatError(`${basename(folder)}: ${(error as Error).message}`, { cause: error });
  }
}

/** Writes the files that {@link loadTokenizer} reads. Each is complete or not there. */
export async function saveTokenizer(folder: string, tokenizer: Tokenizer): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(tokenizerFiles(tokenizer))) await saveFile(join(folder, name), text);
}

async function loadBytesOf(where: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(
      `${where}: ${path} could not be read (${(error as Error).message}); give the path of a text file.`,
      { cause: error },
    );
  }
}

import { registry } from '../registry.ts';
import { decodeText } from '../text/decode-text.ts';
import { type LoadOptions, loadDataFile } from './cache.ts';

/** The parts of WikiText-2. */
export type WikiTextPart = 'train' | 'validation' | 'test';

const fileOf: Readonly<Record<WikiTextPart, string>> = {
  train: 'train.txt',
  validation: 'valid.txt',
  test: 'test.txt',
};

/**
 * A part of WikiText-2 as published: words parted by spaces, rare ones as `<unk>`, headings between equals signs, one
 * paragraph a line. Merity et al. 2016. Downloads 10.8 MB (train) or 1.2 MB (the others) where they are not in the cache.
 *
 * @throws {@link DownloadError} when the file can be neither found nor downloaded
 */
export async function loadWikiText2(part: WikiTextPart, options: LoadOptions = {}): Promise<string> {
  if (!Object.hasOwn(fileOf, part)) {
    throw new Error(`loadWikiText2: the part "${String(part)}" arrived; choose 'train', 'validation' or 'test'.`);
  }
  const file = fileOf[part];
  return decodeText(await loadDataFile(registry['wikitext-2'], file, options), file);
}

import { type TextCorpus, splitCorpus } from '../corpus.ts';
import { registry } from '../registry.ts';
import { type LoadOptions, loadDataFile } from './cache.ts';

/**
 * Tiny Shakespeare: 1,115,394 characters, of which the first 1,003,854 are for training and the last 111,540 for
 * validation. Downloads 1.1 MB where the file is not in the cache yet.
 *
 * @throws {@link DownloadError} when the file can be neither found nor downloaded
 */
export async function loadTinyShakespeare(options: LoadOptions = {}): Promise<TextCorpus> {
  const entry = registry.tinyshakespeare;
  const bytes = await loadDataFile(entry, 'input.txt', options);
  return splitCorpus(entry.name, new TextDecoder().decode(bytes));
}

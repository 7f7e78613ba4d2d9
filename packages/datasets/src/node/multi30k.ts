/** Multi30k: descriptions of photographs in English, and their translations into German. Elliott et al. 2016, task 1. */
import { type ParallelText, readParallelText } from '../parallel/parallel-text.ts';
import { type DataSet, registry } from '../registry.ts';
import { type LoadOptions, loadDataFile } from './cache.ts';
import { gunzipBytes } from './gunzip.ts';

/** The parts of Multi30k: 29,000, 1,014 and 1,000 pairs. */
export type Multi30kPart = 'train' | 'validation' | 'test2016';

/** Source and target language. */
export type Multi30kPair = 'de-en' | 'en-de';

/** Options of {@link loadMulti30k}. */
export interface Multi30kOptions extends LoadOptions {
  /** Default `de-en`. */
  pair?: Multi30kPair;
}

const prefixes: Readonly<Record<Multi30kPart, string>> = {
  train: 'train',
  validation: 'val',
  test2016: 'test_2016_flickr',
};

// The largest file unpacks to 2.1 MB; a damaged one may claim anything.
const LARGEST_FILE = 1 << 23;

/**
 * A part of Multi30k, as published: not tokenized, case kept. Downloads 1.2 MB (train) or 0.05 MB (the others) where they
 * are not in the cache yet.
 *
 * @throws {@link DownloadError} when a file can be neither found nor downloaded
 * @throws when there is no such part or language pair
 */
export async function loadMulti30k(part: Multi30kPart, options: Multi30kOptions = {}): Promise<ParallelText> {
  const { pair = 'de-en', ...loading } = options;
  if (!Object.hasOwn(prefixes, part)) {
    const parts = Object.keys(prefixes).join("', '");
    throw new Error(`loadMulti30k: the part "${part}" arrived; choose one of '${parts}'.`);
  }
  if (pair !== 'de-en' && pair !== 'en-de') {
    throw new Error(
      `loadMulti30k: the language pair "${String(pair)}" arrived; choose 'de-en' (German to English) or 'en-de'.`,
    );
  }
  return loadTranslationPart(registry.multi30k, part, prefixes[part], pair, loading);
}

/**
 * One part of a data set whose files are `<prefix>.<language>.gz`.
 *
 * @param pair source and target language, parted by a hyphen
 */
export async function loadTranslationPart(
  entry: DataSet,
  part: string,
  prefix: string,
  pair: string,
  options: LoadOptions,
): Promise<ParallelText> {
  const [sourceLanguage, targetLanguage] = pair.split('-') as [string, string];
  const load = async (language: string): Promise<Uint8Array> => {
    const file = `${prefix}.${language}.gz`;
    return gunzipBytes(await loadDataFile(entry, file, options), LARGEST_FILE, file);
  };
  // One after the other, so that two downloads do not report their progress at once.
  const source = await load(sourceLanguage);
  const target = await load(targetLanguage);
  const name = `${entry.name} ${part}`;
  const text = readParallelText(source, target, {
    name,
    sourceLanguage,
    targetLanguage,
    sourceName: `${prefix}.${sourceLanguage}`,
    targetName: `${prefix}.${targetLanguage}`,
  });
  const expected = entry.splits[part]?.size;
  if (text.source.length !== expected) {
    throw new Error(`${name}: ${text.source.length} pairs arrived instead of ${expected}; get the files anew.`);
  }
  return text;
}

/** SST-2: sentences of film reviews, positive or negative. Socher et al. 2013, in the form of GLUE (Wang et al. 2018). */
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { FormatError } from '../formats/format-error.ts';
import { findZipFile } from '../formats/zip.ts';
import { type ArchivedFile, type DataSet, registry } from '../registry.ts';
import { type LabelledText, readLabelledText } from '../text/labelled-text.ts';
import { type LoadOptions, loadDataFile, loadUnpackedFile } from './cache.ts';

/** The parts of SST-2; the test part has no labels, and published figures are accuracy on `validation` (GLUE's dev). */
export type Sst2Part = 'train' | 'validation' | 'test';

const fileOf: Readonly<Record<Sst2Part, string>> = { train: 'train.tsv', validation: 'dev.tsv', test: 'test.tsv' };

/**
 * A part of SST-2: 67,349 phrases for training, 872 sentences to validate on, 1,821 without labels. The training phrases are
 * parts of the same sentences: never split them at random for validation. Uses `sst-2/*.tsv` where they lie in the cache,
 * else `sst-2/SST-2.zip`, which it downloads (7.4 MB) where that is not there either.
 *
 * @throws {@link DownloadError} when the archive can be neither found nor downloaded
 */
export async function loadSst2(part: Sst2Part, options: LoadOptions = {}): Promise<LabelledText> {
  if (!Object.hasOwn(fileOf, part)) {
    throw new Error(`loadSst2: the part "${String(part)}" arrived; choose 'train', 'validation' or 'test'.`);
  }
  const entry: DataSet = registry['sst-2'];
  const file = entry.archived!.find(({ name }) => name === fileOf[part])!;
  const bytes = (await loadUnpackedFile(entry, file, options)) ?? (await loadFromArchive(entry, file, options));
  return readLabelledText(bytes, {
    name: `sst-2 ${part}`,
    label: part === 'test' ? null : 'label',
    classNames: ['negative', 'positive'],
  });
}

async function loadFromArchive(entry: DataSet, file: ArchivedFile, options: LoadOptions): Promise<Uint8Array> {
  const archive = entry.files[0]!;
  const { packed, deflated } = findZipFile(
    await loadDataFile(entry, archive.name, options),
    `SST-2/${file.name}`,
    archive.name,
  );
  let content: Uint8Array;
  try {
    // What is packed may claim any size.
    content = deflated ? inflateRawSync(packed, { maxOutputLength: file.bytes }) : packed;
  } catch (error) {
    throw new FormatError(`${archive.name}: ${file.name} in it cannot be unpacked; get the archive anew.`, {
      cause: error,
    });
  }
  const found = createHash('sha256').update(content).digest('hex');
  if (found !== file.sha256) {
    throw new FormatError(
      `${archive.name}: ${file.name} in it has the SHA-256 ${found} instead of ${file.sha256}; get the archive anew.`,
    );
  }
  return content;
}

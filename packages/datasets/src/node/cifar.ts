/**
 * CIFAR-10 and CIFAR-100, from their official archives or from what was unpacked from them into the cache. Archives are
 * read in memory: nothing is unpacked to the disk.
 */
import { createHash } from 'node:crypto';
import { type CifarOptions, readCifar } from '../formats/cifar.ts';
import { FormatError } from '../formats/format-error.ts';
import { findTarFile, readTar } from '../formats/tar.ts';
import { cifar100CoarseNames, cifar100FineNames, cifar10Names } from '../images/class-names.ts';
import type { ImageDataset } from '../images/image-dataset.ts';
import { type ArchivedFile, type DataSet, registry } from '../registry.ts';
import { type LoadOptions, loadDataFile, loadUnpackedFile } from './cache.ts';
import { gunzipBytes } from './gunzip.ts';

/** How {@link loadCifar100} gets at its files, and which labels it gives. */
export interface Cifar100Options extends LoadOptions {
  /** `fine`: one of 100 classes (the default); `coarse`: one of their 20 groups. */
  classes?: 'fine' | 'coarse' | undefined;
}

/**
 * CIFAR-10: 50,000 images for training or 10,000 for testing, 32×32 colour, ten classes. Uses
 * `cifar-10/cifar-10-batches-bin/*.bin` where they lie in the cache, else `cifar-10/cifar-10-binary.tar.gz`, which it
 * downloads (162 MiB) where that is not there either.
 *
 * @throws {@link DownloadError} when the archive can be neither found nor downloaded
 */
export async function loadCifar10(part: 'train' | 'test', options: LoadOptions = {}): Promise<ImageDataset> {
  const entry = registry['cifar-10'];
  const files = await loadArchived(entry, part, 'test_batch.bin', options);
  return readCifar(files, { name: `${entry.name} ${part}`, labelBytes: 1, classNames: cifar10Names });
}

/**
 * CIFAR-100: 50,000 images for training or 10,000 for testing, 32×32 colour, a hundred classes in twenty groups. Uses
 * `cifar-100/cifar-100-binary/*.bin` where they lie in the cache, else `cifar-100/cifar-100-binary.tar.gz`, which it
 * downloads (161 MiB) where that is not there either. Unpacked files are checked by their size, their labels and the
 * number of images of each class, since no checksum of them is published; the archive is checked by its SHA-256.
 *
 * @throws {@link DownloadError} when the archive can be neither found nor downloaded
 */
export async function loadCifar100(part: 'train' | 'test', options: Cifar100Options = {}): Promise<ImageDataset> {
  const entry = registry['cifar-100'];
  const { classes = 'fine', ...loading } = options;
  const [labelByte, classNames]: [0 | 1, readonly string[]] =
    classes === 'fine' ? [1, cifar100FineNames] : [0, cifar100CoarseNames];
  const files = await loadArchived(entry, part, 'test.bin', loading);
  const format: CifarOptions = { name: `${entry.name} ${part}`, labelBytes: 2, labelByte, classNames };
  const dataset = readCifar(files, format);
  checkBalance(dataset);
  return dataset;
}

/** The contents of `dataSet`'s archived files of one part, in order; `testFile` names the only one for testing. */
export async function loadArchived(
  dataSet: DataSet,
  part: 'train' | 'test',
  testFile: string,
  options: LoadOptions,
): Promise<Uint8Array[]> {
  if (part !== 'train' && part !== 'test') {
    throw new Error(`${dataSet.name}: the part "${String(part)}" arrived; choose 'train' or 'test'.`);
  }
  const archived = dataSet.archived ?? [];
  const wanted = archived.filter(({ name }) => name.endsWith(`/${testFile}`) === (part === 'test'));
  const unpacked: Uint8Array[] = [];
  for (const file of wanted) {
    const content = await loadUnpackedFile(dataSet, file, options);
    if (content === undefined) break;
    unpacked.push(content);
  }
  if (unpacked.length === wanted.length) return unpacked;

  const archive = dataSet.files[0]!;
  const packed = await loadDataFile(dataSet, archive.name, options);
  // Headers, texts and the padding between files are far below a megabyte.
  const limit = archived.reduce((sum, { bytes }) => sum + bytes, 1 << 20);
  const files = readTar(await gunzipBytes(packed, limit, archive.name), archive.name);
  return wanted.map((file) => checkArchived(findTarFile(files, file.name, archive.name).data, file, archive.name));
}

function checkArchived(content: Uint8Array, file: ArchivedFile, archive: string): Uint8Array {
  const found = file.sha256 && createHash('sha256').update(content).digest('hex');
  if (content.length !== file.bytes || found !== file.sha256) {
    throw new FormatError(
      `${archive}: ${file.name} in it has ${content.length} bytes${found ? ` and the SHA-256 ${found}` : ''}; wanted are ` +
        `${file.bytes} bytes${file.sha256 ? ` and ${file.sha256}` : ''}. Get the archive anew.`,
    );
  }
  return content;
}

/** Every class of CIFAR-100 has equally many images. */
function checkBalance({ name, labels, count, classNames }: ImageDataset): void {
  const counts = classNames.map(() => 0);
  for (const label of labels) counts[label]!++;
  const wanted = count / classNames.length;
  const wrong = counts.findIndex((found) => found !== wanted);
  if (wrong !== -1) {
    throw new FormatError(
      `${name}: class ${classNames[wrong]} has ${counts[wrong]} images instead of ${wanted}; the file is damaged. Get it anew.`,
    );
  }
}

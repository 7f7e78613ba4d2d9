/** MNIST and Fashion-MNIST, from their official idx files. */
import { imagesFromIdx } from '../formats/idx-images.ts';
import { readIdx } from '../formats/idx.ts';
import { digitNames, fashionNames } from '../images/class-names.ts';
import type { ImageDataset } from '../images/image-dataset.ts';
import { type DataSet, registry } from '../registry.ts';
import { type LoadOptions, loadDataFile } from './cache.ts';
import { gunzipBytes } from './gunzip.ts';

/**
 * MNIST: 60,000 images for training or 10,000 for testing, 28×28 grey, ten digits. Downloads 10 MB (train) or 1.7 MB
 * (test) where they are not in the cache yet.
 *
 * @throws {@link DownloadError} when a file can be neither found nor downloaded
 */
export function loadMnist(part: 'train' | 'test', options: LoadOptions = {}): Promise<ImageDataset> {
  return loadIdxPair(registry.mnist, part, digitNames, options);
}

/**
 * Fashion-MNIST: 60,000 images for training or 10,000 for testing, 28×28 grey, ten kinds of clothing. Downloads 26 MB
 * (train) or 4.4 MB (test) where they are not in the cache yet.
 *
 * @throws {@link DownloadError} when a file can be neither found nor downloaded
 */
export function loadFashionMnist(part: 'train' | 'test', options: LoadOptions = {}): Promise<ImageDataset> {
  return loadIdxPair(registry['fashion-mnist'], part, fashionNames, options);
}

async function loadIdxPair(
  dataSet: DataSet,
  part: 'train' | 'test',
  classNames: readonly string[],
  options: LoadOptions,
): Promise<ImageDataset> {
  const count = dataSet.splits[part]?.size;
  if (count === undefined) {
    throw new Error(`${dataSet.name}: the part "${part}" arrived; choose 'train' or 'test'.`);
  }
  const prefix = part === 'train' ? 'train' : 't10k';
  const load = async (file: string, limit: number) => {
    const packed = await loadDataFile(dataSet, file, options);
    return readIdx(await gunzipBytes(packed, limit, file), file);
  };
  const images = await load(`${prefix}-images-idx3-ubyte.gz`, 16 + count * 28 * 28);
  const labels = await load(`${prefix}-labels-idx1-ubyte.gz`, 8 + count);
  return imagesFromIdx(`${dataSet.name} ${part}`, images, labels, classNames);
}

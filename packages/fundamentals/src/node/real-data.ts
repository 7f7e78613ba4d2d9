/** Data from the cache or the network, and generated data where that is asked for. */
import { selectImages, type ImageDataset, type TextCorpus } from '@milestones/datasets';
import {
  loadCifar10,
  loadFashionMnist,
  loadMnist,
  loadTinyShakespeare,
  loadWikiText2,
  type LoadOptions,
} from '@milestones/datasets/node';
import { generatedData, type DataSource, type ImageSet } from '../data.ts';

const loaders: Partial<Record<ImageSet, (part: 'train' | 'test', options: LoadOptions) => Promise<ImageDataset>>> = {
  mnist: loadMnist,
  fashion: loadFashionMnist,
  cifar10: loadCifar10,
};

/** Every set, by its name. */
export function realData(seed: number, options: LoadOptions): DataSource {
  const generated = generatedData(seed);
  return {
    async images(set, part, count) {
      const load = loaders[set];
      if (load === undefined) return generated.images(set, part, count);
      const all = await load(part, options);
      if (count === undefined || count === all.count) return all;
      if (count > all.count) {
        throw new Error(`fundamentals: ${count} images were asked for; ${set} has ${all.count} in its ${part} part.`);
      }
      return selectImages(
        all,
        Array.from({ length: count }, (_, index) => index),
      );
    },
    async text(set, characters) {
      if (set === 'tiny-shakespeare') return loadTinyShakespeare(options);
      if (set !== 'wikitext-2') return generated.text(set, characters);
      const [train, validation] = [await loadWikiText2('train', options), await loadWikiText2('validation', options)];
      return { name: 'wikitext-2', text: train + validation, train, validation } satisfies TextCorpus;
    },
  };
}

/** The data that experiments ask for by name: generated here, real ones from the command (`src/node/real-data.ts`). */
import {
  generateCorpus,
  generateDigits,
  generateShapes,
  type ImageDataset,
  type TextCorpus,
} from '@milestones/datasets';
import * as v from 'valibot';

/** Sets of labelled images: `digits` and `shapes` are generated. */
export const imageSet = v.picklist(['digits', 'shapes', 'mnist', 'fashion', 'cifar10']);
/** A set of labelled images. */
export type ImageSet = v.InferOutput<typeof imageSet>;

/** Texts: `sentences` are generated. */
export const textSet = v.picklist(['sentences', 'tiny-shakespeare', 'wikitext-2']);
/** A text. */
export type TextSet = v.InferOutput<typeof textSet>;

/** Where data comes from. */
export interface DataSource {
  /** The first `count` images of a part; of a real set, all of them where `count` is left out (generated: 1000). */
  images(set: ImageSet, part: 'train' | 'test', count?: number): Promise<ImageDataset>;
  /** A text with its part for validation; `characters` is the length of a generated one (default 100,000). */
  text(set: TextSet, characters?: number): Promise<TextCorpus>;
}

/** Generated data alone, for browsers and tests. Real sets are refused. */
export function generatedData(seed: number): DataSource {
  const refuse = (set: string): never => {
    throw new Error(
      `fundamentals: the data set ${set} must be loaded from files; run this experiment by its command, in Node, or ` +
        'choose generated data (digits, shapes, sentences).',
    );
  };
  return {
    async images(set, part, count = 1000) {
      if (set === 'digits') return generateDigits({ count, seed, part });
      return set === 'shapes' ? generateShapes({ count, seed, part }) : refuse(set);
    },
    async text(set, characters = 100_000) {
      return set === 'sentences' ? generateCorpus({ characters, seed }) : refuse(set);
    },
  };
}

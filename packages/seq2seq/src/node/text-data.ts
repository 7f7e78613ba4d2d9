/** Loads the sentences that a configuration names, splits them, and learns their vocabularies. */
import {
  generateAdditions,
  generateCopies,
  generateNumberWords,
  splitParallelText,
  WordTokenizer,
  type ParallelText,
  type Tokenizer,
  type WordSplit,
} from '@milestones/datasets';
import { loadMulti30k, loadParallelText } from '@milestones/datasets/node';
import type { DataConfig } from '../config.ts';
import { TextPair } from '../text-pair.ts';

/** The parts of a data set, and its vocabularies, which are learned from the training part. */
export interface TextData {
  train: ParallelText;
  /** Watched while training. */
  validation: ParallelText;
  /** Scored at the end; undefined where validation is all there is. */
  test: ParallelText | undefined;
  text: TextPair;
}

/** Loads (and, if need be, downloads) or generates the pairs. The seed decides the generated ones. */
export async function loadTextData(
  config: DataConfig,
  seed: number,
  options: Parameters<typeof loadMulti30k>[1] = {},
): Promise<TextData> {
  const parts = await loadParts(config, seed, options);
  const { lowercase, minimumCount } = config;
  const learn = (texts: readonly string[], split: WordSplit): Tokenizer =>
    isText(config)
      ? WordTokenizer.learn(texts, { split, lowercase, minimumCount })
      : WordTokenizer.learn(texts, { split });
  const [sourceSplit, targetSplit] = splitsOf(config);
  const { source, target, sourceLanguage, targetLanguage } = parts.train;
  return {
    ...parts,
    text: new TextPair({
      sourceLanguage,
      targetLanguage,
      source: learn(source, sourceSplit),
      target: learn(target, targetSplit),
    }),
  };
}

/** Whether the task is written by people: its score is BLEU. */
export function isText({ task }: DataConfig): boolean {
  return task === 'multi30k' || task === 'files';
}

async function loadParts(
  config: DataConfig,
  seed: number,
  options: Parameters<typeof loadMulti30k>[1],
): Promise<Omit<TextData, 'text'>> {
  const { task, pair, heldOut } = config;
  if (task === 'multi30k') {
    const load = (part: 'train' | 'validation' | 'test2016'): Promise<ParallelText> =>
      loadMulti30k(part, { ...options, pair });
    return {
      train: firstPairs(await load('train'), config.trainPairs),
      validation: await load('validation'),
      test: await load('test2016'),
    };
  }
  const { train, validation } = splitParallelText(await loadAll(config, seed), { validation: heldOut });
  return { train: firstPairs(train, config.trainPairs), validation, test: undefined };
}

async function loadAll(config: DataConfig, seed: number): Promise<ParallelText> {
  const { task, count, digits, symbols, length, largest, sourceFile, targetFile } = config;
  if (task === 'additions') return generateAdditions({ digits, count, seed });
  if (task === 'copies') return generateCopies({ symbols, length, minimumLength: 1, count, seed });
  if (task === 'number-words') return generateNumberWords({ largest, count, seed });
  if (sourceFile === '' || targetFile === '') {
    throw new Error(
      'seq2seq: the task files needs two files; add --set data.sourceFile=<path> --set data.targetFile=<path>.',
    );
  }
  return loadParallelText(sourceFile, targetFile);
}

function splitsOf({ task, pair, split }: DataConfig): [WordSplit, WordSplit] {
  if (task === 'multi30k') return pair.split('-') as [WordSplit, WordSplit];
  if (task === 'files') return [split, split];
  return task === 'copies' ? ['spaces', 'spaces'] : ['characters', 'characters'];
}

function firstPairs(text: ParallelText, count: number): ParallelText {
  if (count === 0) return text;
  if (count > text.source.length) {
    throw new Error(
      `seq2seq: ${text.name} has ${text.source.length} pairs and ${count} are to be trained on; lower data.trainPairs.`,
    );
  }
  return { ...text, source: text.source.slice(0, count), target: text.target.slice(0, count) };
}

/** The sentences of a run, and the tokenizers that are learned from those it trains on. */
import {
  generateCopies,
  generateNumberWords,
  learnBytePairs,
  splitParallelText,
  withStartAndEnd,
  WordTokenizer,
  type ParallelText,
  type TokenPairs,
  type Tokenizer,
  type WordSplit,
} from '@milestones/datasets';
import { loadMulti30k, loadParallelText, type LoadOptions } from '@milestones/datasets/node';
import type { DataConfig } from '../config.ts';
import { sourceTokens } from '../translate.ts';

/** The three parts of a text. */
export interface TranslationData {
  train: ParallelText;
  validation: ParallelText;
  test: ParallelText;
}

/** Loads or makes the text that the configuration names. */
export async function loadTranslationData(
  config: DataConfig,
  seed: number,
  options: LoadOptions,
): Promise<TranslationData> {
  if (config.set === 'multi30k') {
    const load = (part: 'train' | 'validation' | 'test2016') => loadMulti30k(part, { ...options, pair: config.pair });
    return { train: await load('train'), validation: await load('validation'), test: await load('test2016') };
  }
  const { validationPairs, testPairs } = config;
  const text = await oneText(config, seed);
  const { train: others, validation: test } = splitParallelText(text, { validation: testPairs });
  const { train, validation } = splitParallelText({ ...others, name: text.name }, { validation: validationPairs });
  return { train, validation, test };
}

async function oneText(config: DataConfig, seed: number): Promise<ParallelText> {
  const count = config.generatedPairs;
  if (config.set === 'numberWords') return generateNumberWords({ largest: config.largestNumber, count, seed });
  if (config.set === 'copies') {
    return generateCopies({ symbols: config.generatedSymbols, length: config.generatedLength, count, seed });
  }
  const { sourceFile, targetFile } = config;
  return loadParallelText(sourceFile, targetFile, { name: 'your text', emptyLines: 'refuse' });
}

/** Tokenizers learned from the training text alone. */
export function learnTokenizers(
  config: DataConfig,
  { train }: TranslationData,
): { source: Tokenizer; target: Tokenizer } {
  if (config.tokens === 'bytePairs') {
    const shared = learnBytePairs([...train.source, ...train.target], { merges: config.merges });
    return { source: shared, target: shared };
  }
  const learn = (texts: readonly string[], language: string): WordTokenizer =>
    WordTokenizer.learn(texts, {
      split: splitOf(config, language),
      lowercase: true,
      minimumCount: config.set === 'copies' || config.set === 'numberWords' ? 1 : config.minimumCount,
    });
  return { source: learn(train.source, train.sourceLanguage), target: learn(train.target, train.targetLanguage) };
}

function splitOf({ set }: DataConfig, language: string): WordSplit {
  // A German number is one word, however large: its letters are the tokens.
  if (set === 'numberWords') return 'characters';
  return set !== 'copies' && (language === 'de' || language === 'en') ? language : 'spaces';
}

/** Sources with their end token, targets between start and end token. */
export function tokenPairs(text: ParallelText, tokenizers: { source: Tokenizer; target: Tokenizer }): TokenPairs {
  return {
    source: text.source.map((sentence) => sourceTokens(tokenizers.source.encode(sentence))),
    target: text.target.map((sentence) => withStartAndEnd(tokenizers.target.encode(sentence))),
  };
}

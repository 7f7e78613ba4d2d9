/** Data sets, tokenizers and batches that run in Node and in a browser; downloads and files are in `./node`. */
export {
  type DataFile,
  type DataSet,
  type DataSetName,
  type Licence,
  type Split,
  findDataFile,
  findDataSet,
  registry,
} from './registry.ts';
export { type TextCorpus, splitCorpus } from './corpus.ts';
export { type GeneratedTextOptions, generateCorpus, generateText, generatedTextEntropy } from './generated/text.ts';
export { ngramEntropy } from './entropy.ts';
export type { Tokenizer } from './tokenizers/tokenizer.ts';
export { CharacterTokenizer, type CharacterTokenizerJSON } from './tokenizers/character.ts';
export {
  RandomWindows,
  type RandomWindowsOptions,
  type RandomWindowsState,
  type TokenArray,
  type WindowBatch,
} from './batches/random-windows.ts';
export { ShuffledBatches, type ShuffledBatchesOptions, type ShuffledBatchesState } from './batches/shuffled-batches.ts';

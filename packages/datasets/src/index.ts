/** Data sets, tokenizers and batches that run in Node and in a browser; downloads and files are in `./node`. */
export {
  type ArchivedFile,
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
export { FormatError } from './formats/format-error.ts';
export { type IdxArray, readIdx } from './formats/idx.ts';
export { imagesFromIdx } from './formats/idx-images.ts';
export { type CifarOptions, readCifar } from './formats/cifar.ts';
export { type TarFile, readTar } from './formats/tar.ts';
export { type ImageDataset, checkImageDataset, selectImages } from './images/image-dataset.ts';
export {
  cifar100CoarseNames,
  cifar100FineNames,
  cifar10Names,
  digitNames,
  fashionNames,
} from './images/class-names.ts';
export { type ColorComponents, channelStatistics, colorComponents, meanImage } from './images/statistics.ts';
export type { AugmentationStep } from './images/augmentation.ts';
export type { GeneratedImagesOptions } from './generated/images.ts';
export { type AnalogyCorpus, generateAnalogies } from './generated/analogies.ts';
export { type FigureSet, figurePoints, generateFigures } from './generated/figures.ts';
export {
  type GeneratedScenesOptions,
  type SceneObject,
  type SceneSet,
  generateScenes,
  sceneColors,
  sceneShapes,
} from './generated/scenes.ts';
export { type SceneQuestion, askAboutScenes, sceneAnswers } from './generated/scene-questions.ts';
export { generateDigits } from './generated/digits.ts';
export { generateShapes, shapeNames } from './generated/shapes.ts';
export {
  type ImageBatch,
  ImageBatches,
  type ImageBatchesOptions,
  type ImageBatchesState,
  evaluationBatches,
} from './batches/image-batches.ts';
export type { PixelImage } from './images/pixel-image.ts';
export {
  preparationSteps,
  prepareImage,
  preprocessingSchema,
  type Pixels,
  type Preprocessing,
} from './images/preprocessing.ts';
export { type ImageGridOptions, imageGrid } from './images/image-grid.ts';
export { type Fit, resizeImage } from './images/resize.ts';
export {
  type ParallelText,
  type ReadParallelTextOptions,
  type SplitParallelTextOptions,
  readParallelText,
  splitParallelText,
} from './parallel/parallel-text.ts';
export { specialNames, specialTokens, withStartAndEnd } from './tokenizers/special-tokens.ts';
export { BytePairTokenizer, type BytePairTokenizerJSON } from './tokenizers/byte-pair.ts';
export { type LearnBytePairsOptions, learnBytePairs } from './tokenizers/learn-byte-pairs.ts';
export { type RuleLanguage, detokenize, ruleTokenize } from './tokenizers/rule-tokenize.ts';
export { WordVocabulary, type WordVocabularyJSON, type WordVocabularyOptions } from './tokenizers/word-vocabulary.ts';
export { type WordSplit, WordTokenizer, type WordTokenizerJSON, type WordTokenizerOptions } from './tokenizers/word.ts';
export {
  ByteLevelTokenizer,
  type ByteLevelTokenizerJSON,
  type ByteLevelTokenizerOptions,
} from './tokenizers/byte-level.ts';
export type { SpecialTokenOptions } from './tokenizers/special-text.ts';
export {
  type FramedText,
  type FrameOptions,
  WordPieceTokenizer,
  type WordPieceTokenizerJSON,
  type WordPieceTokenizerOptions,
  wordPieceSpecials,
} from './tokenizers/word-piece.ts';
export { type LearnWordPiecesOptions, learnWordPieces } from './tokenizers/learn-word-pieces.ts';
export {
  type TokenizerFileName,
  type TokenizerFiles,
  readByteLevelFiles,
  readTokenizerFiles,
  readWordPieceFile,
  tokenizerFileNames,
  tokenizerFiles,
} from './tokenizers/tokenizer-files.ts';
export { type LabelledText, type ReadLabelledTextOptions, readLabelledText } from './text/labelled-text.ts';
export { tokenizerFromJSON } from './tokenizers/from-json.ts';
export { englishNumberWords, germanNumberWords } from './generated/number-words.ts';
export {
  type AdditionsOptions,
  type CopiesOptions,
  type NumberWordsOptions,
  generateAdditions,
  generateCopies,
  generateNumberWords,
} from './generated/translation-tasks.ts';
export {
  type BucketShape,
  type TokenPairs,
  type TranslationBatch,
  TranslationBatches,
  type TranslationBatchesOptions,
  type TranslationBatchesState,
} from './batches/translation-batches.ts';
export { locateModel } from '#locate-model';
export { isHubName, type LocateModelOptions } from './models/hub.ts';

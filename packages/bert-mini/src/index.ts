/**
 * BERT from scratch: the encoder and its heads, hiding words, pre-training and fine-tuning. Devlin et al. 2018.
 */
export {
  bertConfig,
  bertConfigSchema,
  configSchema,
  fineTuningSchema,
  pretrainingSchema,
  sizes,
  type BertConfig,
  type BertOptions,
  type BertSize,
  type FineTuningConfig,
  type PretrainingConfig,
  type RunConfig,
} from './config.ts';
export { Bert, BertBlock, BertClassifier, BertForPretraining, Embeddings, type BertInput } from './model.ts';
export { maskTokens, type MaskedTokens, type MaskingOptions } from './masking.ts';
export { classify, fillMask, type ClassGuess, type WordGuess } from './predict.ts';
export { encodePretrained, pretrained, type PretrainedName } from './weights.ts';
export {
  PretrainingBatches,
  unigramLoss,
  type PretrainingBatch,
  type PretrainingBatchesOptions,
} from './pretraining-data.ts';
export {
  createOptimizer,
  learningRateSchedule,
  maskedLoss,
  pretrain,
  pretrainingLoss,
  pretrainingStep,
  type OptimizerConfig,
  type PretrainingEvents,
  type PretrainingRun,
  type BatchTensors,
} from './train.ts';
export { accuracy, examplesOf, fineTune, type Classifier, type Example, type FineTuningEvent } from './fine-tune.ts';
export { LstmClassifier } from './lstm.ts';
export { deviations } from './deviations.ts';

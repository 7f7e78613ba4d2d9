/**
 * The Transformer from scratch: the model, its training step and loop, and translation. Vaswani et al. 2017.
 */
export {
  configSchema,
  sizes,
  trainingSchema,
  transformerConfig,
  transformerConfigSchema,
  type RunConfig,
  type TrainingConfig,
  type TransformerConfig,
  type TransformerOptions,
  type TransformerSize,
} from './config.ts';
export { DecoderLayer, EncoderLayer, FeedForward, Residual, TokenEmbedding, Transformer } from './model.ts';
export {
  batchTensors,
  createEvaluateStep,
  createOptimizer,
  createTrainStep,
  evaluate,
  learningRateSchedule,
  train,
  trainingBatches,
  translationLoss,
  validationBatches,
  type EvaluateStep,
  type Score,
  type TrainingEvents,
  type TrainingRun,
  type TrainStep,
} from './train.ts';
export { attentionMaps, translationPicture, type AttentionMap, type AttentionMaps } from './attention-maps.ts';
export { IncrementalDecoder } from './decoder.ts';
export { sourceTokens, translate, translateTokens, type TranslateOptions } from './translate.ts';
export { batchMeanPerplexity, type ScoredSentence } from './batch-mean-perplexity.ts';
export { scoreTranslations, type TranslationScore } from './score-translations.ts';
export { encodePretrained, pretrained, type PretrainedName } from './weights.ts';
export { deviations } from './deviations.ts';

/**
 * Sequence to sequence learning from scratch: Sutskever's LSTM encoder and decoder, Bahdanau's attention, training and
 * translation. Sutskever et al. 2014, Bahdanau et al. 2015.
 */
export {
  attentionSchema,
  configSchema,
  dataSchema,
  experimentSchema,
  sizes,
  trainingSchema,
  translatorConfig,
  translatorConfigSchema,
  type DataConfig,
  type RunConfig,
  type TrainingConfig,
  type TranslatorConfig,
  type TranslatorOptions,
  type TranslatorSize,
} from './config.ts';
export {
  initializersOf,
  Seq2Seq,
  Translator,
  type Advanced,
  type Decoded,
  type Encoded,
  type TranslatorInitializers,
} from './model.ts';
export { AdditiveAttention, AttentionSeq2Seq, createTranslator, type Attended } from './attention.ts';
export {
  createEvaluateStep,
  createOptimizer,
  createTrainStep,
  evaluate,
  learningRateSchedule,
  train,
  translationLoss,
  type BatchTensors,
  type EvaluateStep,
  type TrainingEvents,
  type TrainingRun,
  type TrainStep,
  type TranslationOptimizer,
} from './train.ts';
export { TextPair } from './text-pair.ts';
export { SentenceDecoder, type DecodeOptions } from './decode.ts';
export { align, translate, type Alignment, type Translation } from './translate.ts';
export { scoresByLength, translationScores, type LengthScore, type Scores } from './scores.ts';
export { attentionPicture } from '@milestones/core';
export { lengthPicture } from './length-picture.ts';
export { encodePretrained, fromPretrained, pretrained, type PretrainedName } from './weights.ts';
export { deviations } from './deviations.ts';

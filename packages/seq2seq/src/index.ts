export {
  translatorConfig,
  sizes,
  trainingSchema,
  type TranslatorConfig,
  type TranslatorOptions,
  type TranslatorSize,
  type TrainingConfig,
} from './config.ts';
export { Seq2Seq, Translator } from './model.ts';
export { AdditiveAttention, AttentionSeq2Seq } from './attention.ts';

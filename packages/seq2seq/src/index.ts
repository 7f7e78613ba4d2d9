export {
  sizes,
  translatorConfig,
  trainingSchema,
  type TranslatorConfig,
  type TranslatorOptions,
  type TranslatorSize,
  type TrainingConfig,
} from './config.ts';
export { Seq2Seq, Translator, type Advanced, type Decoded, type Encoded } from './model.ts';
export { AdditiveAttention, AttentionSeq2Seq, createTranslator } from './attention.ts';
export { SentenceDecoder, type DecodeOptions } from './decode.ts';
export { attentionPicture } from './attention-picture.ts';
export { translationLoss } from './train.ts';

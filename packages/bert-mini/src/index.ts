/**
 * BERT from scratch: the encoder and its heads, hiding words, pre-training and fine-tuning. Devlin et al. 2018.
 */
export { bertConfig, bertConfigSchema, sizes, type BertConfig, type BertOptions, type BertSize } from './config.ts';
export { Bert, BertBlock, BertClassifier, BertForPretraining, Embeddings, type BertInput } from './model.ts';
export { maskTokens, type MaskedTokens, type MaskingOptions } from './masking.ts';
export { classify, fillMask, type ClassGuess, type WordGuess } from './predict.ts';
export { encodePretrained } from './weights.ts';

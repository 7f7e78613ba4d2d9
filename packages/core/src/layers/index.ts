export {
  BatchNorm,
  batchNorm,
  type BatchNormLayerOptions,
  type BatchNormOptions,
  type BatchStatistics,
} from './batch-norm.ts';
export { Convolution2D, type Convolution2DOptions } from './convolution.ts';
export { Dense, type DenseOptions } from './dense.ts';
export { Dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export { MaskedConvolution2D, type MaskedConvolution2DOptions } from './masked-convolution.ts';
export { localResponseNormalization, type LocalResponseNormalizationOptions } from './local-response-normalization.ts';
export {
  averagePool2d,
  globalAveragePool2d,
  maxPool2d,
  type AveragePoolingOptions,
  type PoolingOptions,
} from './pooling.ts';
export { Maxout, type MaxoutOptions } from './maxout.ts';
export { TransposedConvolution2D, type TransposedConvolution2DOptions } from './transposed-convolution.ts';
export type { Pair } from './window.ts';
export { LayerNorm, standardize, type LayerNormOptions } from './layer-norm.ts';
export {
  MultiHeadAttention,
  type AttentionCall,
  type KeyValueCache,
  type MultiHeadAttentionOptions,
} from './attention.ts';
export { WeightNormDense, type WeightNormDenseOptions } from './weight-norm.ts';
export { Gru, GruCell } from './gru.ts';
export { Lstm, LstmCell, type LstmOptions } from './lstm.ts';
export { lengthMask, type RecurrentCall, type RecurrentOptions, type RunCell } from './recurrent-stack.ts';
export { causalMask, paddingMask } from './masks.ts';

export { batchNorm, type BatchNormOptions, type BatchStatistics } from './batch-norm.ts';
export { Dense, type DenseOptions } from './dense.ts';
export { Dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export { LayerNorm, standardize, type LayerNormOptions } from './layer-norm.ts';
export {
  causalMask,
  MultiHeadAttention,
  type AttentionCall,
  type KeyValueCache,
  type MultiHeadAttentionOptions,
} from './attention.ts';

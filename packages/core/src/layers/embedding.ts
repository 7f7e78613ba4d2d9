import { tf } from '@milestones/backend';
import { normal, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';

/** Options of {@link Embedding}. */
export interface EmbeddingOptions {
  /** Default N(0, 1). */
  weightInitializer?: Initializer;
}

/**
 * A table of vectors, one for each id: y = W[ids].
 *
 * `weight` is [count, features]. Ids outside 0 … count − 1 are the caller's error: tensors cannot be checked inside a
 * step, so check them where they are made (tokenizers do).
 */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(count: number, features: number, options: EmbeddingOptions = {}) {
    super();
    this.weight = new Parameter([count, features], options.weightInitializer ?? normal(1));
  }

  /**
   * @param ids int32 [...]
   * @returns [..., features]
   */
  forward(ids: tf.Tensor): tf.Tensor {
    if (ids.dtype !== 'int32') {
      throw new Error(`Embedding: ids of type ${ids.dtype} arrived; ids are int32: tf.tensor(values, shape, 'int32').`);
    }
    return tf.gather(this.weight.value, ids as tf.Tensor1D);
  }
}

/**
 * A language model of one hidden layer over a window of characters. Bengio et al. 2003, "A neural probabilistic language model".
 * Dimensions: B batch, T characters in the window, E embedding, V vocabulary.
 */
import { tf } from '@milestones/backend';
import { Dense, Embedding, Module } from '@milestones/core';

/** The last T characters → logits of the next. Bengio et al. 2003, without the direct connections. */
export class WindowModel extends Module {
  readonly embedding: Embedding;
  readonly hidden: Dense;
  readonly output: Dense;

  constructor(
    vocabulary: number,
    { window, embedding, hidden }: { window: number; embedding: number; hidden: number },
  ) {
    super();
    this.embedding = new Embedding(vocabulary, embedding);
    this.hidden = new Dense(window * embedding, hidden);
    this.output = new Dense(hidden, vocabulary);
  }

  /** int32 [B, T] → [B, V] */
  forward(ids: tf.Tensor2D): tf.Tensor {
    const vectors = this.embedding.forward(ids); // [B, T, E]
    const flat = tf.reshape(vectors, [ids.shape[0], this.hidden.inFeatures]); // [B, T · E]
    return this.output.forward(tf.tanh(this.hidden.forward(flat)));
  }
}

/** Windows [B, T] and the character behind each [B]. */
export function windowsAt(
  tokens: ArrayLike<number>,
  starts: Iterable<number>,
  window: number,
): { ids: tf.Tensor2D; next: tf.Tensor1D } {
  const places = [...starts];
  const ids = Int32Array.from({ length: places.length * window }, (_, index) => {
    return tokens[places[Math.floor(index / window)]! + (index % window)]!;
  });
  const next = Int32Array.from(places, (start) => tokens[start + window]!);
  return { ids: tf.tensor2d(ids, [places.length, window], 'int32'), next: tf.tensor1d(next, 'int32') };
}

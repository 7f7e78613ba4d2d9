import type { tf } from '@milestones/backend';
import { Dense, Dropout, Embedding, lengthMask, Lstm, Module, normal, type RandomKey } from '@milestones/core';
import type { BertInput } from './model.ts';

/**
 * The comparison: an LSTM that reads the same tokens from random weights; the state after the last token decides. Of the size
 * that published runs on SST-2 have, but for narrower embeddings.
 */
export class LstmClassifier extends Module {
  readonly embedding: Embedding;
  readonly lstm: Lstm;
  readonly dropout: Dropout;
  readonly classifier: Dense;

  constructor(vocabularySize: number, classes: number, features = 128, hidden = 256) {
    super();
    this.embedding = new Embedding(vocabularySize, features, { weightInitializer: normal(0.1) });
    this.lstm = new Lstm({ features, hidden });
    this.dropout = new Dropout(0.5);
    this.classifier = new Dense(hidden, classes);
  }

  /** → logits, [B, K] */
  forward({ tokens, lengths }: BertInput, key?: RandomKey): tf.Tensor2D {
    const embedded = this.dropout.forward(this.embedding.forward(tokens), key?.fold('embedding')); // [B, T, E]
    const mask = lengths && lengthMask(lengths, tokens.shape[1]);
    const { states } = this.lstm.forward(embedded, { ...(mask && { mask }) });
    const last = states.at(-1)!.output; // [B, H]
    return this.classifier.forward(this.dropout.forward(last, key?.fold('output'))) as tf.Tensor2D;
  }
}

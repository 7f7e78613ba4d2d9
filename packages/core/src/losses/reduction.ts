import { tf } from '@milestones/backend';

/** What a loss makes of its single values: their mean (the default), their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

/** Options that every loss has. */
export interface LossOptions {
  /** Default `'mean'`. */
  reduction?: Reduction;
}

/** Applies `reduction` to the loss's single values. */
export function reduce(values: tf.Tensor, reduction: Reduction = 'mean'): tf.Tensor {
  if (reduction === 'mean') return tf.mean(values);
  if (reduction === 'sum') return tf.sum(values);
  if (reduction === 'none') return values;
  throw new Error(`loss: the reduction "${String(reduction)}" arrived; choose mean, sum or none.`);
}

/** Refuses tensors of different shapes: broadcasting [B, 1] against [B] would average over B × B pairs unnoticed. */
export function requireSameShape(loss: string, named: Record<string, tf.Tensor>): void {
  const entries = Object.entries(named);
  const [first] = entries;
  for (const [name, tensor] of entries) {
    if (first !== undefined && tensor.shape.join() !== first[1].shape.join()) {
      throw new Error(
        `${loss}: ${first[0]} has the shape [${first[1].shape.join(', ')}] and ${name} [${tensor.shape.join(', ')}]; ` +
          'give them the same shape.',
      );
    }
  }
}

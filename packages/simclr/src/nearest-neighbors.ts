/** Nearest neighbours by the cosine: who is close, and what they vote for. Wu et al. 2018, section 3.4. */
import { compile, tf } from '@milestones/backend';
import { normalizeRows } from './loss.ts';
import type { Representations } from './represent.ts';

/** Options of {@link nearestNeighborAccuracy}. */
export interface VoteOptions {
  /** k, how many neighbours vote. */
  neighbors: number;
  /** A vote weighs exp(cosine / temperature); 0, the default: all weigh the same. */
  temperature?: number;
  /** How many classes there are. */
  classes: number;
}

/** The nearest rows of a bank for each query, nearest first. */
export interface Neighbors {
  /** [queries, k] places in the bank */
  indices: Int32Array;
  /** [queries, k] */
  cosines: Float32Array;
}

const block = 250;

/**
 * The `k` rows of `bank` with the largest cosine, for each row of `queries`.
 *
 * @throws when the two have different features, or the bank has fewer than `k` rows
 */
export async function nearestNeighbors(bank: Representations, queries: Representations, k: number): Promise<Neighbors> {
  if (bank.features !== queries.features) {
    throw new Error(
      `nearestNeighbors: a bank of ${bank.features} features and queries of ${queries.features} arrived; take both from ` +
        'the same network.',
    );
  }
  if (!Number.isSafeInteger(k) || k < 1 || k > bank.count) {
    throw new Error(
      `nearestNeighbors: ${k} neighbours of ${bank.count} are wanted; give a number from 1 to ${bank.count}.`,
    );
  }
  const indices = new Int32Array(queries.count * k);
  const cosines = new Float32Array(queries.count * k);
  const rows = tf.tidy(() => normalizeRows(tf.tensor2d(bank.values, [bank.count, bank.features])));
  const compare = compile((query: tf.Tensor2D, all: tf.Tensor2D) => tf.matMul(normalizeRows(query), all, false, true));
  try {
    for (let start = 0; start < queries.count; start += block) {
      const count = Math.min(block, queries.count - start);
      const part = queries.values.subarray(start * queries.features, (start + count) * queries.features);
      const query = tf.tensor2d(part, [count, queries.features]);
      const similar = await compare(query, rows); // [count, bank]
      const values = (await similar.data()) as Float32Array;
      for (let row = 0; row < count; row++) {
        const at = (start + row) * k;
        largest(
          values.subarray(row * bank.count, (row + 1) * bank.count),
          indices.subarray(at, at + k),
          cosines.subarray(at, at + k),
        );
      }
      tf.dispose([query, similar]);
    }
  } finally {
    rows.dispose();
    await compare.dispose();
  }
  return { indices, cosines };
}

/** Fills `indices` and `found` with the largest of `values`, largest first; equals in the order of their places. */
function largest(values: Float32Array, indices: Int32Array, found: Float32Array): void {
  const k = found.length;
  found.fill(-Infinity);
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!(value > found[k - 1]!)) continue;
    let place = k - 1;
    while (place > 0 && value > found[place - 1]!) {
      found[place] = found[place - 1]!;
      indices[place] = indices[place - 1]!;
      place--;
    }
    found[place] = value;
    indices[place] = index;
  }
}

/**
 * How many queries the vote of their `k` nearest neighbours classifies rightly, in percent. Of classes with equally many
 * votes the one with the nearest neighbour wins.
 */
export async function nearestNeighborAccuracy(
  bank: Representations,
  queries: Representations,
  { neighbors: k, temperature = 0, classes }: VoteOptions,
): Promise<number> {
  const { indices, cosines } = await nearestNeighbors(bank, queries, k);
  let right = 0;
  for (let query = 0; query < queries.count; query++) {
    const votes = new Float64Array(classes);
    let winner = bank.labels[indices[query * k]!]!;
    for (let place = query * k; place < (query + 1) * k; place++) {
      votes[bank.labels[indices[place]!]!]! += temperature === 0 ? 1 : Math.exp((cosines[place]! - 1) / temperature);
    }
    // From the nearest on, so that a tie goes to the nearer.
    for (let place = query * k; place < (query + 1) * k; place++) {
      const label = bank.labels[indices[place]!]!;
      if (votes[label]! > votes[winner]!) winner = label;
    }
    if (winner === queries.labels[query]) right++;
  }
  return (100 * right) / queries.count;
}

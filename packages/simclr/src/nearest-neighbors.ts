/** Nearest neighbours by the cosine: who is close, and what they vote for. Wu et al. 2018, section 3.4. */
import { compile, tf } from '@milestones/backend';
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

const bankBlock = 5000;
const queryBlock = 1000;

/**
 * The `k` rows of `bank` with the largest cosine, for each row of `queries`.
 *
 * @throws when the two have different features, or the bank has fewer than `k` rows
 */
export async function nearestNeighbors(bank: Representations, queries: Representations, k: number): Promise<Neighbors> {
  const { features } = bank;
  if (features !== queries.features) {
    throw new Error(
      `nearestNeighbors: a bank of ${features} features and queries of ${queries.features} arrived; take both from ` +
        'the same network.',
    );
  }
  if (!Number.isSafeInteger(k) || k < 1 || k > bank.count) {
    throw new Error(
      `nearestNeighbors: ${k} neighbours of ${bank.count} are wanted; give a number from 1 to ${bank.count}.`,
    );
  }
  const indices = new Int32Array(queries.count * k);
  const cosines = new Float32Array(queries.count * k).fill(-Infinity);
  const compare = compile((some: tf.Tensor2D, others: tf.Tensor2D) => tf.matMul(some, others, false, true));
  try {
    // In blocks: raw pixels of a whole data set would not fit into memory several times.
    for (let first = 0; first < bank.count; first += bankBlock) {
      const others = unitRows(bank, first, bankBlock);
      for (let start = 0; start < queries.count; start += queryBlock) {
        const some = unitRows(queries, start, queryBlock);
        const similar = await compare(some, others); // [some, others]
        const values = (await similar.data()) as Float32Array;
        const width = others.shape[0];
        for (let row = 0; row < some.shape[0]; row++) {
          const at = (start + row) * k;
          keepLargest(
            values.subarray(row * width, (row + 1) * width),
            first,
            indices.subarray(at, at + k),
            cosines.subarray(at, at + k),
          );
        }
        tf.dispose([some, similar]);
      }
      others.dispose();
    }
  } finally {
    await compare.dispose();
  }
  return { indices, cosines };
}

/** Rows from `first` on, at most `count`, each of length 1. */
function unitRows({ values, features, count: all }: Representations, first: number, count: number): tf.Tensor2D {
  const rows = Math.min(count, all - first);
  const unit = values.slice(first * features, (first + rows) * features);
  for (let row = 0; row < rows; row++) {
    let square = 1e-12;
    for (let at = row * features; at < (row + 1) * features; at++) square += unit[at]! ** 2;
    const inverse = 1 / Math.sqrt(square);
    for (let at = row * features; at < (row + 1) * features; at++) unit[at]! *= inverse;
  }
  return tf.tensor2d(unit, [rows, features]);
}

/** Puts what is larger among `values` into `found`, largest first; equals stay in the order of their places. */
function keepLargest(values: Float32Array, offset: number, indices: Int32Array, found: Float32Array): void {
  const k = found.length;
  let least = found[k - 1]!;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!(value > least)) continue;
    let place = k - 1;
    while (place > 0 && value > found[place - 1]!) {
      found[place] = found[place - 1]!;
      indices[place] = indices[place - 1]!;
      place--;
    }
    found[place] = value;
    indices[place] = offset + index;
    least = found[k - 1]!;
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

/**
 * The decoder as a step that writes one token: keys and values of earlier positions are kept, so that a token costs one
 * position. They live in tables of a fixed size, which grow by doubling, and so few steps are compiled.
 *
 * Dimensions: B sentences, K beams, R = B · K rows, S source time, T room for target positions.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import { paddingMask } from '@milestones/core';
import type { Transformer } from './model.ts';

const MASKED = -1e9;
const SMALLEST = 16;

type KeysAndValues = { keys: tf.Variable; values: tf.Variable };

interface Room {
  /** One for each layer, both [R, N, T, D]. */
  own: KeysAndValues[];
  step: CompiledStep<[tf.Tensor1D, tf.Tensor1D, tf.Tensor1D], { logProbabilities: tf.Tensor }>;
}

interface Memory {
  /** One for each layer, both [B, N, S, D]. */
  cross: KeysAndValues[];
  /** int32 [B] */
  lengths: tf.Variable;
  read: CompiledStep<[tf.Tensor2D, tf.Tensor1D], { done: tf.Tensor }>;
  /** By T. */
  rooms: Map<number, Room>;
}

/** The next size from 16, 32, 64, … that holds `length`, or `most`. */
function roomFor(length: number, most: number): number {
  let size = SMALLEST;
  while (size < length) size *= 2;
  return Math.min(size, most);
}

/** Encodes B sentences and continues K hypotheses of each; used again for every batch of the same B and K. */
export class IncrementalDecoder {
  readonly #model: Transformer;
  readonly #sentences: number;
  readonly #beams: number;
  /** By S. */
  readonly #memories = new Map<number, Memory>();
  #memory: Memory | undefined;
  #room: { size: number; room: Room } | undefined;
  #position = 0;

  /** The model must stay in evaluation mode while it is used. */
  constructor(model: Transformer, sentences: number, beams: number) {
    this.#model = model;
    this.#sentences = sentences;
    this.#beams = beams;
  }

  /**
   * Reads the sources of a batch; the next {@link step} writes first tokens.
   *
   * @param sources B sentences with their end token, or fewer: the rest is empty
   */
  async start(sources: readonly ArrayLike<number>[]): Promise<void> {
    const longest = Math.max(...sources.map((source) => source.length));
    const S = roomFor(longest, this.#model.config.maximumLength);
    const ids = new Int32Array(this.#sentences * S);
    const lengths = new Int32Array(this.#sentences).fill(1);
    for (const [row, source] of sources.entries()) {
      ids.set(Array.from(source), row * S);
      lengths[row] = source.length;
    }
    let memory = this.#memories.get(S);
    if (memory === undefined) {
      memory = this.#createMemory(S);
      this.#memories.set(S, memory);
    }
    this.#memory = memory;
    this.#position = 0;
    this.#room = undefined;
    const inputs = [tf.tensor2d(ids, [this.#sentences, S], 'int32'), tf.tensor1d(lengths, 'int32')] as const;
    const { done } = await memory.read(...inputs);
    tf.dispose([...inputs, done]);
  }

  /**
   * One token further in every row.
   *
   * @param tokens int32 [R], the last token of each row
   * @param origins int32 [R]: the row at the step before whose keys and values row r goes on with
   * @returns ln p(next token | row), [R, V], flat
   */
  async step(tokens: Int32Array, origins: Int32Array): Promise<Float32Array> {
    const { step } = await this.#makeRoom();
    const inputs = [
      tf.tensor1d(tokens, 'int32'),
      tf.tensor1d(origins, 'int32'),
      tf.tensor1d([this.#position], 'int32'),
    ] as const;
    const { logProbabilities } = await step(...inputs);
    const values = await logProbabilities.data<'float32'>();
    tf.dispose([...inputs, logProbabilities]);
    this.#position++;
    return values;
  }

  /** Frees everything that is kept; the model keeps its weights. */
  async dispose(): Promise<void> {
    for (const { cross, lengths, read, rooms } of this.#memories.values()) {
      await read.dispose();
      for (const { own, step } of rooms.values()) {
        await step.dispose();
        disposeAll(own);
      }
      disposeAll(cross);
      lengths.dispose();
    }
    this.#memories.clear();
  }

  /** The tables for the next position, with what is in the smaller ones that are full. */
  async #makeRoom(): Promise<Room> {
    const memory = this.#memory!;
    const { maximumLength } = this.#model.config;
    const size = roomFor(this.#position + 1, maximumLength);
    if (this.#room?.size === size) return this.#room.room;
    if (this.#position >= maximumLength) {
      throw new Error(
        `IncrementalDecoder: ${this.#position} tokens were written, and the model knows ${maximumLength} positions; ` +
          'end the sentence, or raise maximumLength.',
      );
    }
    let room = memory.rooms.get(size);
    if (room === undefined) {
      room = this.#createRoom(size, memory);
      memory.rooms.set(size, room);
    }
    if (this.#room !== undefined) copyTables(this.#room.room.own, room.own, size - this.#room.size);
    this.#room = { size, room };
    return room;
  }

  #tables(rows: number, size: number): KeysAndValues[] {
    const { features, heads } = this.#model.config;
    const table = (): tf.Variable => tf.tidy(() => tf.variable(tf.zeros([rows, heads, size, features / heads]), false));
    return this.#model.decoder.map(() => ({ keys: table(), values: table() }));
  }

  #createMemory(S: number): Memory {
    const model = this.#model;
    const cross = this.#tables(this.#sentences, S);
    const kept = tf.tidy(() => tf.variable(tf.zeros([this.#sentences], 'int32'), false));
    const read = compile((source: tf.Tensor2D, lengths: tf.Tensor1D) => {
      const memory = model.encode(source, paddingMask(lengths, S)); // [B, S, C]
      model.decoder.forEach((layer, index) => {
        const { keys, values } = layer.crossAttention.keysAndValues(memory); // [B, N, S, D]
        cross[index]!.keys.assign(keys);
        cross[index]!.values.assign(values);
      });
      kept.assign(tf.clone(lengths));
      return { done: tf.sum(lengths) };
    });
    return { cross, lengths: kept, read, rooms: new Map() };
  }

  #createRoom(T: number, { cross, lengths }: Memory): Room {
    const model = this.#model;
    const [B, K] = [this.#sentences, this.#beams];
    const R = B * K;
    const C = model.config.features;
    const own = this.#tables(R, T);
    const step = compile((tokens: tf.Tensor1D, origins: tf.Tensor1D, position: tf.Tensor1D) => {
      const places = tf.range(0, T, 1, 'int32'); // [T]
      const isHere = tf.reshape(tf.equal(places, position), [1, 1, T, 1]);
      const ahead = tf.reshape(tf.where(tf.greater(places, position), MASKED, 0), [1, 1, 1, T]);
      const sourceMask = paddingMask(lengths, cross[0]!.keys.shape[2]!); // [B, 1, 1, S]
      const write = (table: tf.Variable, entry: tf.Tensor): tf.Tensor => {
        // With one beam a row is always its own origin.
        const earlier = K === 1 ? table : tf.gather(table, origins); // [R, N, T, D]
        const written = tf.where(isHere, entry, earlier); // [R, N, T, D]
        table.assign(written);
        return written;
      };
      let x = model.targetEmbedding.forward(tf.reshape(tokens, [R, 1]), position); // [R, 1, C]
      model.decoder.forEach((layer, index) => {
        const { keys, values } = own[index]!;
        const { keys: crossKeys, values: crossValues } = cross[index]!;
        x = layer.compose(
          x,
          (h) => {
            const entry = layer.attention.keysAndValues(h); // [R, N, 1, D]
            return layer.attention.attend(h, write(keys, entry.keys), write(values, entry.values), { mask: ahead });
          },
          // The beams of a sentence are queries of one source: [R, 1, C] as [B, K, C].
          (h) => {
            const queries = tf.reshape(h, [B, K, C]);
            const informed = layer.crossAttention.attend(queries, crossKeys, crossValues, { mask: sourceMask });
            return tf.reshape(informed, [R, 1, C]);
          },
        );
      });
      const normed = model.decoderNorm === undefined ? x : model.decoderNorm.forward(x); // [R, 1, C]
      const logits = tf.reshape(model.project(normed), [R, -1]); // [R, V]
      return { logProbabilities: tf.logSoftmax(logits) };
    });
    return { own, step };
  }
}

/** Copies full tables into ones that have `more` positions. */
function copyTables(from: readonly KeysAndValues[], to: readonly KeysAndValues[], more: number): void {
  tf.tidy(() => {
    for (const [index, tables] of from.entries()) {
      for (const part of ['keys', 'values'] as const) {
        to[index]![part].assign(
          tf.pad(tables[part], [
            [0, 0],
            [0, 0],
            [0, more],
            [0, 0],
          ]),
        );
      }
    }
  });
}

function disposeAll(tables: readonly KeysAndValues[]): void {
  for (const { keys, values } of tables) tf.dispose([keys, values]);
}

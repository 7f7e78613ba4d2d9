/**
 * The model as a step that writes one token. Keys and values of earlier positions are kept, so that a token costs one
 * position. They live in tables of a fixed size, which grow by doubling: a shape that grew with every token would have to be
 * compiled anew for every token.
 *
 * Dimensions: N heads, D head size, C features, V vocabulary, T room for positions, P tokens of the prompt.
 */
import { compile, tf, type CompiledStep } from '@milestones/backend';
import { disposeCache, type Gpt } from './model.ts';

const MASKED = -1e9;
const SMALLEST_ROOM = 64;

/** One block's, both [1, N, T, D]. */
interface Tables {
  keys: tf.Variable;
  values: tf.Variable;
}

interface Room {
  size: number;
  /** One for each block. */
  tables: Tables[];
  step: CompiledStep<[tf.Tensor2D, tf.Tensor1D], { scores: tf.Tensor }>;
}

/**
 * Feeds a model token by token. {@link start} reads a prompt, {@link step} adds a token; both return the scores of the next.
 *
 * What was compiled for one text serves the next: keep a decoder where many texts are generated. On the engine `onnx` it holds
 * a copy of the weights (two once a text has outgrown the context). The model must be in evaluation mode while it is used.
 */
export class GptDecoder {
  readonly #model: Gpt;
  /** The tokens that the model sees. */
  #window: number[] = [];
  #room: Room | undefined;
  /** Whether the room's tables hold the window's keys and values, but for the last token's. */
  #isFilled = false;
  #readWindow: CompiledStep<[tf.Tensor2D], { scores: tf.Tensor }> | undefined;
  readonly #cache: ReturnType<Gpt['createCache']>;

  constructor(model: Gpt) {
    this.#model = model;
    this.#cache = model.createCache();
  }

  /**
   * Begins a text.
   *
   * @param prompt at least one token; of more than the context holds, the last count
   * @returns scores of the next token, [V]
   */
  async start(prompt: ArrayLike<number>): Promise<Float32Array> {
    const model = this.#model;
    if (prompt.length === 0) throw new Error('GptDecoder: the prompt is empty; give at least one token.');
    disposeCache(this.#cache);
    this.#isFilled = false;
    this.#window = Array.from(prompt).slice(-model.config.contextLength);
    // Every length of a prompt would be compiled anew, to be used once: prompts are read eagerly.
    const scores = tf.tidy(() => {
      const tokens = tf.tensor2d([this.#window], undefined, 'int32');
      return lastScores(model, model.encode(tokens, { cache: this.#cache }));
    });
    return valuesOf({ scores });
  }

  /**
   * One token further. Once the context is full, the oldest token falls out at each step; positions are learned and absolute,
   * so every key changes then and the whole window is computed anew.
   *
   * @returns scores of the token after this one, [V]
   */
  async step(token: number): Promise<Float32Array> {
    if (this.#window.length === 0) throw new Error('GptDecoder: no text was begun; call start with a prompt first.');
    const { contextLength } = this.#model.config;
    if (this.#window.length === contextLength) {
      this.#window.shift();
      this.#window.push(token);
      return this.#readAll();
    }
    const position = this.#window.length;
    this.#window.push(token);
    const { step } = await this.#makeRoom(Math.min(position + 1, contextLength));
    const inputs = [tf.tensor2d([[token]], undefined, 'int32'), tf.tensor1d([position], 'int32')] as const;
    const result = await step(...inputs);
    tf.dispose([...inputs]);
    return valuesOf(result);
  }

  /** Frees everything that is kept; the model keeps its weights. */
  async dispose(): Promise<void> {
    disposeCache(this.#cache);
    const [room, readWindow] = [this.#room, this.#readWindow];
    this.#room = this.#readWindow = undefined;
    this.#window = [];
    await readWindow?.dispose();
    if (room !== undefined) await disposeRoom(room);
  }

  async #readAll(): Promise<Float32Array> {
    const model = this.#model;
    disposeCache(this.#cache);
    this.#readWindow ??= compile((tokens: tf.Tensor2D) => ({ scores: lastScores(model, model.encode(tokens)) }));
    const tokens = tf.tensor2d([this.#window], undefined, 'int32');
    const result = await this.#readWindow(tokens);
    tokens.dispose();
    return valuesOf(result);
  }

  /** Tables for `length` positions, with what was read so far. */
  async #makeRoom(length: number): Promise<Room> {
    const earlier = this.#room;
    const room = earlier !== undefined && earlier.size >= length ? earlier : this.#createRoom(length);
    if (!this.#isFilled) {
      const all = this.#cache.map(({ keys, values }) => ({ keys: keys!, values: values! }));
      copyTables(all, room);
      disposeCache(this.#cache);
    } else if (earlier !== undefined && earlier !== room) {
      copyTables(earlier.tables, room);
    }
    this.#isFilled = true;
    this.#room = room;
    // The larger room serves shorter texts too; two would each hold a copy of the weights.
    if (earlier !== undefined && earlier !== room) await disposeRoom(earlier);
    return room;
  }

  #createRoom(length: number): Room {
    const model = this.#model;
    const { contextLength, features, heads, layers } = model.config;
    let size = SMALLEST_ROOM;
    while (size < length) size *= 2;
    const T = Math.min(size, contextLength);
    const table = (): tf.Variable => tf.tidy(() => tf.variable(tf.zeros([1, heads, T, features / heads]), false));
    const tables = Array.from({ length: layers }, () => ({ keys: table(), values: table() }));
    const step = compile((token: tf.Tensor2D, position: tf.Tensor1D) => {
      const places = tf.range(0, T, 1, 'int32'); // [T]
      const isHere = tf.reshape(tf.equal(places, position), [1, 1, T, 1]);
      const ahead = tf.reshape(tf.where(tf.greater(places, position), MASKED, 0), [1, 1, 1, T]);
      const write = (kept: tf.Variable, entry: tf.Tensor): tf.Tensor => {
        const written = tf.where(isHere, entry, kept); // [1, N, T, D]
        kept.assign(written);
        return written;
      };
      let x = model.embed(token, position); // [1, 1, C]
      model.blocks.forEach((block, index) => {
        const { keys, values } = tables[index]!;
        x = block.compose(x, (h) => {
          const entry = block.attention.keysAndValues(h); // [1, N, 1, D]
          return block.attention.attend(h, write(keys, entry.keys), write(values, entry.values), { mask: ahead });
        });
      });
      return { scores: model.scores(x) }; // [1, 1, V]
    });
    return { size: T, tables, step };
  }
}

/** Scores of what follows the last position of one sequence, [1, 1, V]; those of the others are not computed. */
function lastScores(model: Gpt, encoded: tf.Tensor): tf.Tensor {
  const [, T, C] = encoded.shape as [number, number, number];
  return model.scores(tf.slice(encoded, [0, T - 1, 0], [1, 1, C]));
}

async function valuesOf({ scores }: { scores: tf.Tensor }): Promise<Float32Array> {
  const values = await scores.data<'float32'>();
  scores.dispose();
  return values;
}

/** Fills the beginning of a room's tables; `from` has [1, N, P, D]. */
function copyTables(from: readonly { keys: tf.Tensor; values: tf.Tensor }[], { size, tables }: Room): void {
  tf.tidy(() => {
    for (const [index, own] of tables.entries()) {
      for (const part of ['keys', 'values'] as const) {
        const given = from[index]![part];
        const more = size - given.shape[2]!;
        own[part].assign(
          tf.pad(given, [
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

async function disposeRoom({ step, tables }: Room): Promise<void> {
  await step.dispose();
  for (const { keys, values } of tables) tf.dispose([keys, values]);
}

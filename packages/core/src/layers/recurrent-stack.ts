import { tf } from '@milestones/backend';
import type { Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import type { RandomKey } from '../random/random-key.ts';
import { Dropout } from './dropout.ts';

/** Options of `Lstm` and `Gru`. */
export interface RecurrentOptions {
  /** Width of the input. */
  features: number;
  /** H, width of the state. */
  hidden: number;
  /** How many layers lie on top of each other. Default 1. */
  layers?: number;
  /** Whether each layer also reads the sequence from its end, and its output is both, [.., 2 H]. Default false. */
  bidirectional?: boolean;
  /**
   * Rate of the dropout between layers. On what goes up only, never on what a layer hands to its own next step: Zaremba et
   * al. 2014, section 3.1. Default 0.
   */
  dropout?: number;
  /** Whether inputs and outputs are [T, B, C] and masks [T, B], which saves two transpositions. Default false: [B, T, C]. */
  timeMajor?: boolean;
  /** Of all weights and biases. Default U(−1/√H, 1/√H). */
  initializer?: Initializer;
}

/** Arguments of a recurrent layer besides its input. */
export interface RecurrentCall<State> {
  /** Where to start, in the order of the returned states; zeros if left out. */
  states?: readonly State[];
  /**
   * Float32 [B, T] (see `lengthMask`): 1 at steps that count, 0 at padding. There the output is 0 and the state stays as it
   * was: PyTorch's packed sequences.
   */
  mask?: tf.Tensor;
  /** Noise for dropout, needed in training mode. */
  key?: RandomKey;
}

/** What one direction of one layer gets and returns; time first. */
export type RunCell<Cell, State> = (
  cell: Cell,
  x: tf.Tensor,
  call: { state?: State | undefined; mask?: tf.Tensor | undefined },
) => { outputs: tf.Tensor; state: State };

/**
 * Recurrent layers on top of each other, in one direction or two. Parameters of layer n are `ahead.n.…` and, of the way back,
 * `back.n.…`.
 */
export abstract class RecurrentStack<Cell extends Module, State> extends Module {
  readonly ahead: readonly Cell[];
  readonly back: readonly Cell[];
  readonly dropout: Dropout;
  readonly features: number;
  readonly timeMajor: boolean;
  readonly #name: string;

  constructor(name: string, options: RecurrentOptions, makeCell: (inFeatures: number) => Cell) {
    super();
    const { features, hidden, layers = 1, bidirectional = false } = options;
    for (const [what, number] of Object.entries({ features, hidden, layers })) {
      if (Number.isInteger(number) && number >= 1) continue;
      throw new Error(`${name}: ${what} is ${number}; give a whole number from 1 on.`);
    }
    this.#name = name;
    this.features = features;
    this.timeMajor = options.timeMajor ?? false;
    this.dropout = new Dropout(options.dropout ?? 0);
    const width = bidirectional ? 2 * hidden : hidden;
    const cells = (): Cell[] => Array.from({ length: layers }, (_, layer) => makeCell(layer === 0 ? features : width));
    this.ahead = cells();
    this.back = bidirectional ? cells() : [];
  }

  /** Runs one direction of one layer. */
  protected abstract readonly runCell: RunCell<Cell, State>;

  /**
   * @param x [B, T, features]
   * @returns the outputs of the last layer, [B, T, H] or [B, T, 2 H], and the state of each layer after its last step; with
   * two directions those of a layer follow each other, ahead and back
   */
  forward(x: tf.Tensor, call: RecurrentCall<State> = {}): { outputs: tf.Tensor; states: State[] } {
    if (x.rank !== 3 || x.shape[2] !== this.features) {
      throw new Error(
        `${this.#name}: input of shape [${x.shape.join(', ')}] arrived for a layer of ${this.features} input features; ` +
          `give [${this.timeMajor ? 'T, B' : 'B, T'}, ${this.features}].`,
      );
    }
    const directions = this.back.length > 0 ? 2 : 1;
    const wanted = this.ahead.length * directions;
    if (call.states !== undefined && call.states.length !== wanted) {
      throw new Error(
        `${this.#name}: ${call.states.length} states arrived; give ${wanted}, one for each layer and direction.`,
      );
    }
    const mask = call.mask === undefined ? undefined : this.#timeFirst(call.mask); // [T, B]
    const states: State[] = [];
    let sequence = this.#timeFirst(x); // [T, B, C]
    this.ahead.forEach((cell, layer) => {
      if (layer > 0) sequence = this.dropout.forward(sequence, call.key?.fold(`layer${layer}`));
      const run = this.runCell(cell, sequence, { state: call.states?.[states.length], mask });
      states.push(run.state);
      const back = this.back[layer];
      if (back === undefined) {
        sequence = run.outputs;
        return;
      }
      const reversed = (tensor: tf.Tensor): tf.Tensor => tf.reverse(tensor, 0);
      // Padding comes first then, and leaves the state as it is.
      const turned = this.runCell(back, reversed(sequence), {
        state: call.states?.[states.length],
        mask: mask && reversed(mask),
      });
      states.push(turned.state);
      sequence = tf.concat([run.outputs, reversed(turned.outputs)], 2); // [T, B, 2 H]
    });
    return { outputs: this.#timeFirst(sequence), states };
  }

  /** [B, T, …] as [T, B, …], or back again. */
  #timeFirst(tensor: tf.Tensor): tf.Tensor {
    return this.timeMajor ? tensor : tf.transpose(tensor, tensor.rank === 3 ? [1, 0, 2] : [1, 0]);
  }
}

/**
 * 1 at the first `lengths[b]` steps of row b, and 0 at the padding behind them.
 *
 * @param lengths int32 [B]
 * @param steps T
 * @returns float32 [B, T]
 */
export function lengthMask(lengths: tf.Tensor, steps: number): tf.Tensor2D {
  const within = tf.less(tf.range(0, steps, 1, 'int32'), tf.expandDims(lengths, 1)); // [B, T]
  return tf.cast(within, 'float32') as tf.Tensor2D;
}

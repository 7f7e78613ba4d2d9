import { tf } from '@milestones/backend';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { lstmSequence, type LstmState } from '../recurrent/lstm-sequence.ts';
import { RecurrentStack, type RecurrentOptions, type RunCell } from './recurrent-stack.ts';

/** Options of {@link Lstm}. */
export interface LstmOptions extends RecurrentOptions {
  /**
   * 1, as in the papers, or 2, as in PyTorch and cuDNN, which add one to the input's product and one to the state's. Only
   * their sum matters; two are there for weights that were trained so, and for equal counts. Default 1.
   */
  biases?: 1 | 2;
}

/** The weights of one direction of one layer. Columns: gates i, f, g, o (PyTorch's order, whose matrices lie transposed). */
export class LstmCell extends Module {
  /** W, [in, 4 H]. */
  readonly input: Parameter;
  /** U, [H, 4 H]. */
  readonly recurrent: Parameter;
  /** b, [4 H]. */
  readonly bias: Parameter;
  /** The second bias of PyTorch, [4 H]. */
  readonly recurrentBias: Parameter | undefined;

  constructor(inFeatures: number, hidden: number, biases: 1 | 2, initializer: Initializer = fanInUniform(hidden)) {
    super();
    this.input = new Parameter([inFeatures, 4 * hidden], initializer);
    this.recurrent = new Parameter([hidden, 4 * hidden], initializer);
    this.bias = new Parameter([4 * hidden], initializer);
    this.recurrentBias = biases === 2 ? new Parameter([4 * hidden], initializer) : undefined;
  }
}

/**
 * Long short-term memory: layers on top of each other, in one direction or two, over whole sequences. The formula is that
 * of `lstmSequence`.
 */
export class Lstm extends RecurrentStack<LstmCell, LstmState> {
  /** @throws when a size or a rate is out of range */
  constructor(options: LstmOptions) {
    const { hidden, biases = 1, initializer } = options;
    super('Lstm', options, (inFeatures) => new LstmCell(inFeatures, hidden, biases, initializer));
  }

  protected override readonly runCell: RunCell<LstmCell, LstmState> = (cell, x, call) => {
    const { input, recurrent, bias, recurrentBias } = cell;
    const sum = recurrentBias === undefined ? bias.value : tf.add(bias.value, recurrentBias.value);
    return lstmSequence(x, { input: input.value, recurrent: recurrent.value, bias: sum }, call);
  };
}

import type { tf } from '@milestones/backend';
import { fanInUniform, type Initializer } from '../initializers.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { gruSequence } from '../recurrent/gru-sequence.ts';
import { RecurrentStack, type RecurrentOptions, type RunCell } from './recurrent-stack.ts';

/** The weights of one direction of one layer. Columns: gates r, z, n (PyTorch's order, whose matrices lie transposed). */
export class GruCell extends Module {
  /** W, [in, 3 H]. */
  readonly input: Parameter;
  /** U, [H, 3 H]. */
  readonly recurrent: Parameter;
  /** b, [3 H]. */
  readonly inputBias: Parameter;
  /** d, [3 H]. */
  readonly recurrentBias: Parameter;

  constructor(inFeatures: number, hidden: number, initializer: Initializer = fanInUniform(hidden)) {
    super();
    this.input = new Parameter([inFeatures, 3 * hidden], initializer);
    this.recurrent = new Parameter([hidden, 3 * hidden], initializer);
    this.inputBias = new Parameter([3 * hidden], initializer);
    this.recurrentBias = new Parameter([3 * hidden], initializer);
  }
}

/**
 * Gated recurrent units: layers on top of each other, in one direction or two, over whole sequences. The formula is that of
 * `gruSequence`, with PyTorch's two biases.
 */
export class Gru extends RecurrentStack<GruCell, tf.Tensor> {
  /** @throws when a size or a rate is out of range */
  constructor(options: RecurrentOptions) {
    super('Gru', options, (inFeatures) => new GruCell(inFeatures, options.hidden, options.initializer));
  }

  protected override readonly runCell: RunCell<GruCell, tf.Tensor> = (cell, x, call) => {
    const { input, recurrent, inputBias, recurrentBias } = cell;
    return gruSequence(
      x,
      {
        input: input.value,
        recurrent: recurrent.value,
        inputBias: inputBias.value,
        recurrentBias: recurrentBias.value,
      },
      call,
    );
  };
}

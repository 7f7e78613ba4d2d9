/**
 * Long short-term memory over a whole sequence. Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
 *
 *     i, f, o = σ(…)   g = tanh(…)          each of x_t W + h_{t−1} U + b
 *     c_t = f c_{t−1} + i g                 h_t = o tanh(c_t)
 *
 * Dimensions: T time, B batch, I input features, H hidden features. Columns of W, U and b: i, f, g, o (PyTorch's order).
 */
import { tf } from '@milestones/backend';
import { withGradients } from '../with-gradient.ts';
import { allSteps, perStep, rest, sequenceSizes, sharedProduct, type SequenceSizes } from './sequence.ts';

/** The weights of {@link lstmSequence}. */
export interface LstmWeights {
  /** W, [I, 4 H]. */
  readonly input: tf.Tensor;
  /** U, [H, 4 H]. */
  readonly recurrent: tf.Tensor;
  /** b, [4 H]. */
  readonly bias: tf.Tensor;
}

/** What an LSTM carries from step to step. */
export interface LstmState {
  /** h, [B, H]. */
  readonly output: tf.Tensor;
  /** c, [B, H]. */
  readonly cell: tf.Tensor;
}

/** Arguments of {@link lstmSequence} besides input and weights. */
export interface LstmCall {
  /** Where to start; zeros if left out. */
  readonly state?: LstmState | undefined;
  /**
   * Float32 [T, B]: 1 at steps that count and 0 at padding. There the state stays as it was, and the output is 0. No
   * gradient flows through it.
   */
  readonly mask?: tf.Tensor | undefined;
}

/**
 * The whole sequence as one differentiable operation.
 *
 * What the input contributes is one product for all steps; a step then costs one product [B, H] · [H, 4 H]. Backwards, a
 * step costs the gradients of its gates and one product by Uᵀ; the gradients of the weights and of the input are one product
 * each, over all steps together.
 *
 * @param x [T, B, I]
 * @returns the outputs [T, B, H], and the state after the last step
 */
export function lstmSequence(
  x: tf.Tensor,
  weights: LstmWeights,
  { state, mask }: LstmCall = {},
): { outputs: tf.Tensor; state: LstmState } {
  const sizes = sequenceSizes('lstmSequence', 4, x, weights, { output: state?.output, cell: state?.cell }, mask);
  const { T, B, hidden } = sizes;
  if (weights.bias.shape.join() !== String(4 * hidden)) {
    throw new Error(`lstmSequence: a bias of shape [${weights.bias.shape.join(', ')}] arrived; give [${4 * hidden}].`);
  }
  const started = state === undefined ? [] : [state.output, state.cell];
  const inputs = [x, weights.input, weights.recurrent, weights.bias, ...started];
  // tfjs differentiates operations of one result: the last cell state travels as one step more.
  const value = withGradients(
    inputs,
    () => forward(sizes, weights, x, state, mask),
    (dy, saved) => backward(sizes, dy, saved, { started: state !== undefined, masked: mask !== undefined }),
  ); // [(T + 1) · B, H]
  const states = tf.reshape(tf.slice(value, [0, 0], [T * B, hidden]), [T, B, hidden]);
  const output = tf.slice(value, [(T - 1) * B, 0], [B, hidden]);
  const cell = tf.slice(value, [T * B, 0], [B, hidden]);
  const outputs = mask === undefined ? states : tf.mul(states, tf.expandDims(mask, 2));
  return { outputs, state: { output, cell } };
}

/** What the forward pass keeps of each step; each [B, H]. */
const KEPT = ['write', 'keep', 'candidate', 'show', 'shown', 'cell', 'output'] as const;
type Kept = Record<(typeof KEPT)[number], tf.Tensor>;

function forward(
  { T, B, inFeatures }: SequenceSizes,
  { input, recurrent, bias }: LstmWeights,
  x: tf.Tensor,
  state: LstmState | undefined,
  mask: tf.Tensor | undefined,
): { value: tf.Tensor; saved: tf.Tensor[] } {
  const rows = tf.reshape(x, [T * B, inFeatures]);
  const projected = perStep(tf.add(sharedProduct(rows, input), bias), T); // T times [B, 4 H]
  const masks = mask === undefined ? [] : perStep(tf.reshape(mask, [T * B, 1]), T); // T times [B, 1]
  let { output, cell } = state ?? { output: undefined, cell: undefined };
  const steps = projected.map((own, step): Kept => {
    const gates = output === undefined ? own : tf.add(sharedProduct(output, recurrent), own);
    const [first, second, third, fourth] = tf.split(gates, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const [write, keep, candidate, show] = [tf.sigmoid(first), tf.sigmoid(second), tf.tanh(third), tf.sigmoid(fourth)];
    const written = tf.mul(write, candidate);
    let nextCell = cell === undefined ? written : tf.add(tf.mul(keep, cell), written);
    const shown = tf.tanh(nextCell);
    let nextOutput: tf.Tensor = tf.mul(show, shown);
    const now = masks[step];
    if (now !== undefined) {
      nextCell = carried(now, nextCell, cell);
      nextOutput = carried(now, nextOutput, output);
    }
    [output, cell] = [nextOutput, nextCell];
    return { write, keep, candidate, show, shown, cell, output };
  });
  const value = allSteps([...steps.map((kept) => kept.output), cell!]);
  const started = state === undefined ? [] : [state.output, state.cell];
  const masked = mask === undefined ? [] : [mask];
  const kept = KEPT.flatMap((name) => steps.map((step) => step[name]));
  return { value, saved: [rows, input, recurrent, ...kept, ...started, ...masked] };
}

/** m · next + (1 − m) · before. */
function carried(mask: tf.Tensor, next: tf.Tensor, before: tf.Tensor | undefined): tf.Tensor {
  const taken = tf.mul(next, mask);
  return before === undefined ? taken : tf.add(taken, tf.mul(before, rest(mask)));
}

function backward(
  { T, B, inFeatures, hidden }: SequenceSizes,
  dy: tf.Tensor,
  saved: tf.Tensor[],
  { started, masked }: { started: boolean; masked: boolean },
): tf.Tensor[] {
  const [rows, input, recurrent] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  const steps = Array.from(
    { length: T },
    (_, step) => Object.fromEntries(KEPT.map((name, index) => [name, saved[3 + index * T + step]!])) as Kept,
  );
  const others = saved.slice(3 + KEPT.length * T);
  const [startOutput, startCell] = started ? others : [];
  const masks = masked ? perStep(tf.reshape(others.at(-1)!, [T * B, 1]), T) : [];

  const arriving = perStep(dy, T + 1); // of each output, and of the last cell
  let dCell: tf.Tensor = arriving[T]!;
  let dOutput: tf.Tensor | undefined; // from the step after
  const gates: tf.Tensor[] = [];
  for (let step = T - 1; step >= 0; step--) {
    const dh = dOutput === undefined ? arriving[step]! : tf.add(dOutput, arriving[step]!);
    const now = masks[step];
    const slope = gateGradients(
      now === undefined ? dh : tf.mul(dh, now),
      now === undefined ? dCell : tf.mul(dCell, now),
      steps[step]!,
      step === 0 ? startCell : steps[step - 1]!.cell,
    );
    gates[step] = slope.gates;
    if (step === 0 && !started) break;
    const dhBefore = sharedProduct(slope.gates, recurrent, true);
    // At padding, both gradients pass.
    const passed = now === undefined ? undefined : rest(now);
    dCell = passed === undefined ? slope.cell : tf.add(slope.cell, tf.mul(dCell, passed));
    dOutput = passed === undefined ? dhBefore : tf.add(dhBefore, tf.mul(dh, passed));
  }

  const dGates = allSteps(gates) as tf.Tensor2D; // [T · B, 4 H]
  const before = allSteps([startOutput ?? tf.zeros([B, hidden]), ...steps.slice(0, -1).map((kept) => kept.output)]);
  const gradients = [
    tf.reshape(tf.matMul(dGates, input as tf.Tensor2D, false, true), [T, B, inFeatures]),
    tf.matMul(rows as tf.Tensor2D, dGates, true, false),
    tf.matMul(before as tf.Tensor2D, dGates, true, false),
    tf.sum(dGates, 0),
  ];
  return started ? [...gradients, dOutput!, dCell] : gradients;
}

/**
 * The gradients of one step's gates before their σ or tanh, [B, 4 H], and that of the cell before the step.
 *
 *     dc += dh o (1 − s²)      with s = tanh(c)
 *     dc g i (1 − i)    dc c₋ f (1 − f)    dc i (1 − g²)    dh s o (1 − o)
 *
 * Each x (1 − x) is written x − x x: the products are shared, and no factor is computed of its own.
 */
function gateGradients(
  dh: tf.Tensor,
  dCell: tf.Tensor,
  { write, keep, candidate, show, shown }: Kept,
  cellBefore: tf.Tensor | undefined,
): { gates: tf.Tensor; cell: tf.Tensor } {
  const showing = tf.mul(dh, show); // dh o
  const shownAgain = tf.mul(showing, shown); // dh o s
  const dc = tf.add(dCell, tf.sub(showing, tf.mul(shownAgain, shown)));
  const writing = tf.mul(dc, write); // dc i
  const written = tf.mul(writing, candidate); // dc i g
  const keeping = tf.mul(dc, keep); // dc f
  const kept = cellBefore === undefined ? tf.zerosLike(keeping) : tf.mul(keeping, cellBefore); // dc f c₋
  const gates = tf.concat(
    [
      tf.sub(written, tf.mul(written, write)),
      cellBefore === undefined ? kept : tf.sub(kept, tf.mul(kept, keep)),
      tf.sub(writing, tf.mul(written, candidate)),
      tf.sub(shownAgain, tf.mul(shownAgain, show)),
    ],
    1,
  );
  return { gates, cell: keeping };
}

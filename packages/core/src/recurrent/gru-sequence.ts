/**
 * Gated recurrent unit over a whole sequence. Cho et al. 2014; here in the form of PyTorch and cuDNN, where the reset gate
 * acts behind the recurrent product and not before it, so that a step is one product.
 *
 *     r, z = σ(x_t W + b + h_{t−1} U + d)         n = tanh(x_t W + b + r (h_{t−1} U + d))
 *     h_t = (1 − z) n + z h_{t−1}
 *
 * Dimensions: T time, B batch, I input features, H hidden features. Columns of W, U, b and d: r, z, n (PyTorch's order).
 */
import { tf } from '@milestones/backend';
import { withGradients } from '../with-gradient.ts';
import { allSteps, perStep, rest, sequenceSizes, sharedProduct, type SequenceSizes } from './sequence.ts';

/** The weights of {@link gruSequence}. */
export interface GruWeights {
  /** W, [I, 3 H]. */
  readonly input: tf.Tensor;
  /** U, [H, 3 H]. */
  readonly recurrent: tf.Tensor;
  /** b, [3 H]. */
  readonly inputBias: tf.Tensor;
  /** d, [3 H]. */
  readonly recurrentBias: tf.Tensor;
}

/** Arguments of {@link gruSequence} besides input and weights. */
export interface GruCall {
  /** h to start from, [B, H]; zeros if left out. */
  readonly state?: tf.Tensor | undefined;
  /**
   * Float32 [T, B]: 1 at steps that count and 0 at padding. There the state stays as it was, and the output is 0. No
   * gradient flows through it.
   */
  readonly mask?: tf.Tensor | undefined;
}

/**
 * The whole sequence as one differentiable operation, arranged as `lstmSequence` is.
 *
 * @param x [T, B, I]
 * @returns the outputs [T, B, H], and the state after the last step [B, H]
 */
export function gruSequence(
  x: tf.Tensor,
  weights: GruWeights,
  { state, mask }: GruCall = {},
): { outputs: tf.Tensor; state: tf.Tensor } {
  const sizes = sequenceSizes('gruSequence', 3, x, weights, { state }, mask);
  const { T, B, hidden } = sizes;
  for (const bias of [weights.inputBias, weights.recurrentBias]) {
    if (bias.shape.join() === String(3 * hidden)) continue;
    throw new Error(`gruSequence: a bias of shape [${bias.shape.join(', ')}] arrived; give [${3 * hidden}].`);
  }
  const start = state ?? tf.zeros([B, hidden]);
  const inputs = [x, weights.input, weights.recurrent, weights.inputBias, weights.recurrentBias, start];
  const value = withGradients(
    inputs,
    () => forward(sizes, weights, x, start, mask),
    (dy, saved) => backward(sizes, dy, saved),
  ); // [T · B, H]
  const states = tf.reshape(value, [T, B, hidden]);
  return {
    outputs: mask === undefined ? states : tf.mul(states, tf.expandDims(mask, 2)),
    state: tf.slice(value, [(T - 1) * B, 0], [B, hidden]),
  };
}

/** What the forward pass keeps of each step; each [B, H]. `product` is h U + d of the candidate. */
const KEPT = ['reset', 'keep', 'candidate', 'product', 'output'] as const;
type Kept = Record<(typeof KEPT)[number], tf.Tensor>;

function forward(
  { T, B, inFeatures, hidden }: SequenceSizes,
  { input, recurrent, inputBias, recurrentBias }: GruWeights,
  x: tf.Tensor,
  start: tf.Tensor,
  mask: tf.Tensor | undefined,
): { value: tf.Tensor; saved: tf.Tensor[] } {
  const rows = tf.reshape(x, [T * B, inFeatures]);
  const projected = perStep(tf.add(sharedProduct(rows, input), inputBias), T); // T times [B, 3 H]
  const masks = mask === undefined ? [] : perStep(tf.reshape(mask, [T * B, 1]), T); // T times [B, 1]
  let before = start;
  const steps = projected.map((own, step): Kept => {
    const recurred = tf.add(sharedProduct(before, recurrent), recurrentBias);
    const [ownGates, ownCandidate] = tf.split(own, [2 * hidden, hidden], 1) as [tf.Tensor, tf.Tensor];
    const [gates, product] = tf.split(recurred, [2 * hidden, hidden], 1) as [tf.Tensor, tf.Tensor];
    const [reset, keep] = tf.split(tf.sigmoid(tf.add(gates, ownGates)), 2, 1) as [tf.Tensor, tf.Tensor];
    const candidate = tf.tanh(tf.add(ownCandidate, tf.mul(reset, product)));
    let output: tf.Tensor = tf.add(candidate, tf.mul(keep, tf.sub(before, candidate)));
    const now = masks[step];
    if (now !== undefined) output = tf.add(tf.mul(output, now), tf.mul(before, rest(now)));
    before = output;
    return { reset, keep, candidate, product, output };
  });
  const value = allSteps(steps.map(({ output }) => output));
  const kept = KEPT.flatMap((name) => steps.map((step) => step[name]));
  return { value, saved: [rows, input, recurrent, start, ...kept, ...(mask === undefined ? [] : [mask])] };
}

function backward({ T, B, inFeatures, hidden }: SequenceSizes, dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [rows, input, recurrent, start] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const all = (name: keyof Kept): tf.Tensor => {
    const from = 4 + KEPT.indexOf(name) * T;
    return allSteps(saved.slice(from, from + T));
  };
  const [reset, keep, candidate, product] = [all('reset'), all('keep'), all('candidate'), all('product')];
  const outputs = saved.slice(4 + KEPT.indexOf('output') * T, 4 + (KEPT.indexOf('output') + 1) * T);
  const before = allSteps([start, ...outputs.slice(0, -1)]); // [T · B, H]
  const masked = saved[4 + KEPT.length * T];
  const mask = masked === undefined ? undefined : tf.reshape(masked, [T * B, 1]);

  // How much a gradient of the output moves each gate before its σ or tanh; all steps at once, [T · B, H].
  const counted = (slope: tf.Tensor): tf.Tensor => (mask === undefined ? slope : tf.mul(slope, mask));
  const candidateSlope = counted(tf.mul(rest(keep), rest(tf.square(candidate)))); // (1 − z) (1 − n²)
  const productSlope = tf.mul(candidateSlope, reset);
  const slopes = [
    tf.mul(productSlope, tf.mul(product, rest(reset))), // of r, r (1 − r) times what it multiplies
    counted(tf.mul(tf.sub(before, candidate), tf.mul(keep, rest(keep)))), // of z
    productSlope, // of h U + d in the candidate
  ].map((slope) => perStep(slope, T));
  // What of the gradient passes to the step before directly: z, and all of it at padding.
  const passing = perStep(mask === undefined ? keep : tf.add(counted(keep), rest(mask)), T);

  const arriving = perStep(dy, T);
  const dOutputs: tf.Tensor[] = [];
  const recurred: tf.Tensor[] = [];
  let dh: tf.Tensor | undefined;
  for (let step = T - 1; step >= 0; step--) {
    dh = dh === undefined ? arriving[step]! : tf.add(dh, arriving[step]!);
    dOutputs[step] = dh;
    const arrived = dh;
    const gates = tf.concat(
      slopes.map((slope) => tf.mul(arrived, slope[step]!)),
      1,
    ); // [B, 3 H]
    recurred[step] = gates;
    dh = tf.add(sharedProduct(gates, recurrent, true), tf.mul(arrived, passing[step]!));
  }
  const dRecurred = allSteps(recurred) as tf.Tensor2D; // [T · B, 3 H]
  const dCandidate = tf.mul(allSteps(dOutputs), candidateSlope);
  const dProjected = tf.concat([tf.slice(dRecurred, [0, 0], [T * B, 2 * hidden]), dCandidate], 1) as tf.Tensor2D;
  return [
    tf.reshape(tf.matMul(dProjected, input as tf.Tensor2D, false, true), [T, B, inFeatures]),
    tf.matMul(rows as tf.Tensor2D, dProjected, true, false),
    tf.matMul(before as tf.Tensor2D, dRecurred, true, false),
    tf.sum(dProjected, 0),
    tf.sum(dRecurred, 0),
    dh!,
  ];
}

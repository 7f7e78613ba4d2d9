import { runFused, tf, type FusedOperation } from '@milestones/backend';
import { withGradient } from '../with-gradient.ts';
import { reduce, requireSameShape, type LossOptions } from './reduction.ts';

/** logits [rows, K] and int32 labels [rows] → the loss of each row, and softmax(logits). */
const SOFTMAX_CROSS_ENTROPY = {
  kernel: 'MilestonesSoftmaxCrossEntropy',
  outputs: ['losses', 'probabilities'],
  differentiable: ['logits'],
  gradient: { kernel: 'MilestonesSoftmaxCrossEntropyGradient', needs: ['probabilities', 'labels'] },
} as const satisfies FusedOperation;

/** Options of {@link crossEntropyLoss}. */
export interface CrossEntropyOptions extends LossOptions {
  /** s: the target becomes (1 − s) · target + s / K. Szegedy et al. 2015, section 7. Default 0. */
  labelSmoothing?: number;
  /** Positions with this label count neither in the loss nor in its mean, such as padding. Default: none. */
  ignoreIndex?: number;
}

/**
 * Cross-entropy of the softmax of `logits` against labels or against target probabilities.
 *
 *     loss = − Σₖ qₖ · log softmax(z)ₖ          ∂loss/∂z = softmax(z) − q
 *
 * `mean` divides by the number of positions that are not ignored; when all are ignored the loss is 0. A label outside
 * 0 … K − 1 cannot be noticed here, because a training step reads no values.
 *
 * @param logits [..., K], rank 2 or more: unnormalised scores, K classes
 * @param targets int32 labels [...], or float32 probabilities [..., K], through which no gradient flows
 * @returns a scalar; with `reduction: 'none'` one value per position [...]
 */
export function crossEntropyLoss(logits: tf.Tensor, targets: tf.Tensor, options: CrossEntropyOptions = {}): tf.Tensor {
  const smoothing = options.labelSmoothing ?? 0;
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw new Error(`crossEntropyLoss: the label smoothing ${smoothing} arrived; give a number from 0 to 1.`);
  }
  const classes = logits.shape.at(-1) ?? 0;
  const leading = logits.shape.slice(0, -1);
  const labelled = targets.dtype === 'int32' && targets.shape.join() === leading.join();
  if (logits.rank < 2 || (!labelled && (targets.dtype !== 'float32' || targets.shape.join() !== logits.shape.join()))) {
    throw new Error(
      `crossEntropyLoss: logits of shape [${logits.shape.join(', ')}] and ${targets.dtype} targets of shape ` +
        `[${targets.shape.join(', ')}] arrived; give int32 labels of shape [${leading.join(', ')}] or float32 ` +
        'probabilities in the shape of the logits, whose rank is at least 2.',
    );
  }
  if (!labelled && options.ignoreIndex !== undefined) {
    throw new Error('crossEntropyLoss: ignoreIndex names a label, and the targets are probabilities; leave it out.');
  }
  const rows = tf.reshape(logits, [-1, classes]) as tf.Tensor2D; // [rows, K]
  const composed = (): tf.Tensor => {
    const target = labelled
      ? // A float32 oneHot is all zeros on the WASM engine, which writes integers: cast afterwards.
        tf.cast(tf.oneHot(tf.reshape(targets, [-1]), classes), 'float32') // [rows, K]
      : tf.reshape(targets, [-1, classes]); // [rows, K]
    const smoothed = smoothing === 0 ? target : tf.add(tf.mul(target, 1 - smoothing), smoothing / classes);
    return rowLosses(rows, smoothed as tf.Tensor2D, labelled);
  };
  const losses =
    labelled && smoothing === 0
      ? runFused(SOFTMAX_CROSS_ENTROPY, { logits: rows, labels: tf.reshape(targets, [-1]) }, {}, composed)
      : composed(); // [rows]
  if (options.ignoreIndex === undefined) {
    return reduce(options.reduction === 'none' ? tf.reshape(losses, leading) : losses, options.reduction);
  }
  const kept = tf.cast(tf.notEqual(tf.reshape(targets, [-1]), tf.scalar(options.ignoreIndex, 'int32')), 'float32');
  const masked = tf.mul(losses, kept); // [rows]
  if (options.reduction === 'none') return tf.reshape(masked, leading);
  if (options.reduction === 'sum') return tf.sum(masked);
  return tf.div(tf.sum(masked), tf.maximum(tf.sum(kept), 1));
}

/**
 * {@link crossEntropyLoss} against target probabilities, for mixed or smoothed labels and for distillation: the same
 * value, but labels in place of probabilities are refused.
 *
 * @param logits [..., K]
 * @param targets float32 [..., K], each row a distribution; no gradient flows through them
 */
export function softCrossEntropyLoss(
  logits: tf.Tensor,
  targets: tf.Tensor,
  options: Omit<CrossEntropyOptions, 'ignoreIndex'> = {},
): tf.Tensor {
  requireSameShape('softCrossEntropyLoss', { logits, targets });
  return crossEntropyLoss(logits, targets, options);
}

/**
 * The loss of each row as one differentiable operation: eleven kernels forward, three backward, and no large tensor is
 * kept but exp(z − max z) and the target.
 */
function rowLosses(logits: tf.Tensor2D, target: tf.Tensor2D, sumsToOne: boolean): tf.Tensor {
  // Label smoothing keeps a sum of 1; probabilities from outside may add up to anything.
  const mass = sumsToOne ? undefined : tf.sum(target, 1, true); // [rows, 1]
  return withGradient<tf.Tensor[]>(
    logits,
    (z) => {
      const shifted = tf.sub(z, tf.max(z, 1, true)); // Largest 0: exp cannot overflow.
      const exponentials = tf.exp(shifted);
      const total = tf.sum(exponentials, 1, true); // [rows, 1], at least 1
      const logTotal = mass === undefined ? tf.log(total) : tf.mul(tf.log(total), mass);
      return {
        value: tf.sub(tf.squeeze(logTotal, [1]), tf.sum(tf.mul(target, shifted), 1)), // [rows]
        saved: [exponentials, total, target, ...(mass === undefined ? [] : [mass])],
      };
    },
    (dy, saved) => {
      const [exponentials, total, goal, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor | undefined];
      const probabilities = tf.div(exponentials, total);
      const expected = scale === undefined ? probabilities : tf.mul(probabilities, scale);
      return tf.mul(tf.sub(expected, goal), tf.expandDims(dy, 1)); // [rows, K]
    },
  );
}

/**
 * Binary cross-entropy from logits, for independent yes-or-no outputs such as a discriminator's.
 *
 *     loss = − y · log σ(z) − (1 − y) · log(1 − σ(z)) = max(z, 0) − z y + log(1 + e^−|z|)      ∂loss/∂z = σ(z) − y
 *
 * The right-hand form neither overflows nor takes the logarithm of 0.
 *
 * @param logits any shape: scores before the sigmoid
 * @param targets the same shape, float32, from 0 to 1; no gradient flows through them
 */
export function binaryCrossEntropyLoss(logits: tf.Tensor, targets: tf.Tensor, options: LossOptions = {}): tf.Tensor {
  requireSameShape('binaryCrossEntropyLoss', { logits, targets });
  const losses = withGradient<[tf.Tensor, tf.Tensor]>(
    logits,
    (z) => ({
      value: tf.add(tf.sub(tf.relu(z), tf.mul(z, targets)), tf.log1p(tf.exp(tf.neg(tf.abs(z))))),
      saved: [z, targets],
    }),
    (dy, [z, goal]) => tf.mul(tf.sub(tf.sigmoid(z), goal), dy),
  );
  return reduce(losses, options.reduction);
}

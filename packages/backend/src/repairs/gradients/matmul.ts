/**
 * Gradients of matrix products and of einsum.
 *
 * tfjs 4.22 does not sum the gradient of a matMul operand over the batch axes along which it was broadcast, and fails on
 * the shape; it has no gradient for einsum at all.
 */
import { tf } from '../../tf.ts';
import { foldBroadcast, replaceGradient } from './register.ts';

interface MatMulAttributes {
  transposeA: boolean;
  transposeB: boolean;
}

function isSingle(matrix: tf.Tensor): boolean {
  return matrix.size === matrix.shape.at(-1)! * matrix.shape.at(-2)!;
}

/** Gradient of b in y = a · b (or a · bᵀ) where one b serves every batch: batches become rows of one tall product. */
function sharedRightGradient(dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, transposeB: boolean): tf.Tensor {
  const rows = tf.reshape(a, [-1, a.shape.at(-1)!]); // [B·M, K]
  const upstream = tf.reshape(dy, [-1, dy.shape.at(-1)!]); // [B·M, N]
  const gradient = transposeB ? tf.matMul(upstream, rows, true, false) : tf.matMul(rows, upstream, true, false);
  return tf.reshape(gradient, b.shape);
}

interface EinsumAttributes {
  equation: string;
}

interface Factor {
  term: string;
  tensor: tf.Tensor;
}

/**
 * The gradient of one term of an einsum is an einsum of dy with the other terms, down to the term's own letters. A letter
 * that occurs in this term alone was summed away: every position along it gets the same gradient.
 */
function einsumGradient(dy: tf.Tensor, output: string, term: string, operand: tf.Tensor, others: Factor[]): tf.Tensor {
  const known = new Set(output + others.map((other) => other.term).join(''));
  const reachable = [...term].filter((letter) => known.has(letter)).join('');
  const equation = `${[output, ...others.map((other) => other.term)].join(',')}->${reachable}`;
  const gradient = tf.einsum(equation, dy, ...others.map((other) => other.tensor));
  const withOnes = operand.shape.map((extent, axis) => (known.has(term[axis]!) ? extent : 1));
  return tf.broadcastTo(tf.reshape(gradient, withOnes), operand.shape);
}

/** Registers the gradients. */
export function installProductGradients(): void {
  replaceGradient<MatMulAttributes>('BatchMatMul', { inputs: ['a', 'b'] }, (dy, saved, { transposeA, transposeB }) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const leftGradient = (): tf.Tensor =>
      transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB);
    const rightGradient = (): tf.Tensor =>
      transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false);
    return {
      a: () => foldBroadcast(leftGradient(), a.shape),
      b: () =>
        isSingle(b) && !isSingle(a) && !transposeA
          ? sharedRightGradient(dy, a, b, transposeB)
          : foldBroadcast(rightGradient(), b.shape),
    };
  });

  replaceGradient<EinsumAttributes>('Einsum', { allInputs: true }, (dy, saved, { equation }) => {
    const [left, output] = equation.replaceAll(/\s/g, '').split('->') as [string, string];
    const terms = left.split(',');
    const gradients = saved.map((operand, i) => (): tf.Tensor => {
      const others = saved.map((tensor, j) => ({ term: terms[j]!, tensor })).filter((_, j) => j !== i);
      return einsumGradient(dy, output, terms[i]!, operand, others);
    });
    return Object.fromEntries(gradients.map((gradient, i) => [String(i), gradient]));
  });
}

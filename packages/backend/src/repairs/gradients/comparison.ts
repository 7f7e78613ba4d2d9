/**
 * Gradients of comparisons, maximum, minimum and squared difference.
 *
 * tfjs 4.22 has none for most comparisons and logical operations, so that a mask computed from a tensor on the tape makes
 * backpropagation fail although nothing flows through it. For maximum, minimum and squaredDifference it forgets to sum over
 * broadcast axes, and fails on the shape.
 */
import { tf } from '../../tf.ts';
import { foldBroadcast, noGradient, replaceGradient } from './register.ts';

const comparisons = 'Greater GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr LogicalXor'.split(' ');

/** Registers the gradients. */
export function installComparisonGradients(): void {
  for (const name of comparisons) {
    replaceGradient(name, { inputs: ['a', 'b'] }, (_dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return { a: noGradient(a), b: noGradient(b) };
    });
  }
  for (const name of ['LogicalNot', 'All', 'Any']) {
    replaceGradient(name, { inputs: ['x'] }, (_dy, saved) => ({ x: noGradient(saved[0]!) }));
  }

  // On a tie the first operand takes the whole gradient, as in tfjs: exactly one of the two masks is 1.
  const extremes = { Maximum: [tf.greaterEqual, tf.less], Minimum: [tf.lessEqual, tf.greater] } as const;
  for (const [name, [first, second]] of Object.entries(extremes)) {
    replaceGradient(name, { inputs: ['a', 'b'] }, (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => foldBroadcast(tf.mul(dy, tf.cast(first(a, b), 'float32')), a.shape),
        b: () => foldBroadcast(tf.mul(dy, tf.cast(second(a, b), 'float32')), b.shape),
      };
    });
  }

  // d (a − b)² = 2 (a − b) (da − db)
  replaceGradient('SquaredDifference', { inputs: ['a', 'b'] }, (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    return {
      a: () => foldBroadcast(tf.mul(dy, tf.mul(2, tf.sub(a, b))), a.shape),
      b: () => foldBroadcast(tf.mul(dy, tf.mul(2, tf.sub(b, a))), b.shape),
    };
  });
}

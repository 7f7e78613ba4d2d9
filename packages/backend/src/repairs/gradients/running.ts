/**
 * Gradients of running sums and of products.
 *
 * tfjs 4.22 turns the gradient of cumsum to the order of axes that has the summed one last, and leaves it there: along any
 * other axis it is wrong, silently so where the sizes are equal. The gradient of prod knows no axis counted from the end.
 */
import { tf } from '../../tf.ts';
import { replaceGradient } from './register.ts';

/** dy times the product of all other elements of its row: what stands before each, times what stands behind it. */
function productGradient(dy: tf.Tensor, x: tf.Tensor, axis: number | number[] | undefined): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis ?? x.shape.map((_, position) => position), x.shape);
  const order = [...x.shape.keys()].filter((position) => !axes.includes(position)).concat(axes);
  const turned = tf.transpose(x, order);
  const length = tf.util.sizeFromShape(axes.map((position) => x.shape[position]!));
  if (x.size === 0) return tf.zerosLike(x);
  const rows = tf.reshape(turned, [x.size / length, length]);
  const others = tf.mul(tf.cumprod(rows, 1, true, false), tf.cumprod(rows, 1, true, true));
  const gradient = tf.reshape(tf.mul(others, tf.reshape(dy, [x.size / length, 1])), turned.shape);
  return tf.transpose(
    gradient,
    order.map((_, position) => order.indexOf(position)),
  );
}

/** Registers the gradients. */
export function installRunningGradients(): void {
  replaceGradient<{ axis: number; exclusive: boolean; reverse: boolean }>(
    'Cumsum',
    {},
    (dy, _saved, { axis, exclusive, reverse }) => ({ x: () => tf.cumsum(dy, axis, exclusive, !reverse) }),
  );
  replaceGradient<{ axis?: number | number[] }>('Prod', { inputs: ['x'] }, (dy, saved, { axis }) => ({
    x: () => productGradient(dy, saved[0]!, axis),
  }));
}

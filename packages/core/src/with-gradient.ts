import { tf } from '@milestones/backend';

/**
 * One differentiable operation of one tensor, with a gradient of its own: fewer kernels than tfjs would derive, or a
 * right one where tfjs's is wrong.
 *
 * @param x what to differentiate by
 * @param forward computes the value, and names the tensors that `backward` needs; it may use other tensors, through which
 * no gradient flows
 * @param backward from the gradient of the value and the saved tensors to the gradient of `x`. Tensors reach it through
 * `saved` only: one captured from outside may be freed by then, and an engine that records the step would not see it.
 */
export function withGradient<Saved extends tf.Tensor[]>(
  x: tf.Tensor,
  forward: (x: tf.Tensor) => { value: tf.Tensor; saved: [...Saved] },
  backward: (dy: tf.Tensor, saved: Saved) => tf.Tensor,
): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, (tensors: tf.Tensor[]) => void];
    const { value, saved } = forward(input);
    save(saved);
    return { value, gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => backward(dy, kept as Saved) };
  });
  return operation(x);
}

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
  return withGradients(
    [x],
    () => {
      const { value, saved } = forward(x);
      return { value, saved: [...saved] };
    },
    (dy, saved) => [backward(dy, saved as Saved)],
  );
}

/**
 * The same for an operation of several tensors.
 *
 * @param inputs what to differentiate by
 * @param forward computes the value from `inputs`, and names the tensors that `backward` needs
 * @param backward the gradients in the order of `inputs`, see {@link withGradient}
 */
export function withGradients(
  inputs: readonly tf.Tensor[],
  forward: () => { value: tf.Tensor; saved: tf.Tensor[] },
  backward: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as (tensors: tf.Tensor[]) => void;
    const { value, saved } = forward();
    save(saved);
    return { value, gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => backward(dy, kept) };
  });
  return operation(...inputs);
}

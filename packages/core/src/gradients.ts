import { tf } from '@milestones/backend';
import type { Parameter } from './parameter.ts';

/**
 * Runs `loss` and differentiates it with respect to `parameters`.
 *
 * @param loss computes a scalar from the parameters' values
 * @param parameters what to differentiate by, usually `model.trainableParameters()`
 * @returns the loss, and one gradient per parameter under the parameter's name; a parameter that the loss does not
 * depend on has a gradient of zeros
 * @throws when the loss depends on none of the parameters, or is not a scalar
 */
export function valueAndGradients(
  loss: () => tf.Tensor,
  parameters: ReadonlyMap<string, Parameter>,
): { value: tf.Scalar; gradients: Record<string, tf.Tensor> } {
  const variables = [...parameters.values()].map((parameter) => parameter.value);
  const { value, grads } = tf.variableGrads(loss as () => tf.Scalar, variables);
  const gradients: Record<string, tf.Tensor> = {};
  for (const [name, parameter] of parameters) {
    // tfjs keys gradients by its own variable names and leaves out what the loss does not reach.
    gradients[name] = grads[parameter.value.name] ?? tf.zeros([...parameter.shape]);
  }
  return { value, gradients };
}

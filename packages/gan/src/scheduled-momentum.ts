import { tf } from '@milestones/backend';
import { Optimizer, type Parameter, type UpdateRule } from '@milestones/core';

/**
 * Gradient descent whose momentum changes during training, as in the published configuration:
 *
 *     v ← μ v − ε g        θ ← θ + v
 *
 * The learning rate is inside the velocity, and both ε and μ arrive with each update.
 */
export class ScheduledMomentum extends Optimizer<'velocity'> {
  #momentum: tf.Scalar | number = 0;

  constructor() {
    super('momentum', { velocity: 0 });
  }

  /** One step; `momentum` is μ, a scalar tensor inside a compiled step. Default 0. */
  override update(
    parameters: ReadonlyMap<string, Parameter>,
    gradients: Readonly<Record<string, tf.Tensor>>,
    learningRate: tf.Scalar | number,
    momentum: tf.Scalar | number = 0,
  ): void {
    this.#momentum = momentum;
    super.update(parameters, gradients, learningRate);
  }

  protected override rule(learningRate: tf.Scalar): UpdateRule<'velocity'> {
    const momentum = this.#momentum;
    return ({ value, gradient, state }) => {
      const velocity = tf.sub(tf.mul(state.velocity, momentum), tf.mul(gradient, learningRate));
      state.velocity.assign(velocity);
      value.assign(tf.add(value, velocity));
    };
  }
}

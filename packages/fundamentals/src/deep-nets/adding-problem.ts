/**
 * The adding problem (Hochreiter and Schmidhuber 1997) and a recurrent net for it that begins as an adder (Le, Jaitly and Hinton
 * 2015, "A simple way to initialize recurrent networks of rectified linear units").
 * Dimensions: B batch, T time, H hidden.
 */
import { tf } from '@milestones/backend';
import { Dense, Module, normal, Parameter, type Random, zeros } from '@milestones/core';

/** What answering 1 every time costs: the variance of the sum of two numbers from U(0, 1). */
export const constantError = 1 / 6;

/** h′ = relu(x U + h W + b), W = I at the start; the answer is read from the last h. */
export class IdentityRecurrentNet extends Module {
  readonly input: Dense;
  readonly recurrent: Parameter;
  readonly output: Dense;

  constructor(hidden: number) {
    super();
    const small = { weightInitializer: normal(0.1), biasInitializer: zeros() };
    this.input = new Dense(2, hidden, small);
    this.recurrent = new Parameter([hidden, hidden], () => tf.eye(hidden));
    this.output = new Dense(hidden, 1, small);
  }

  /** [T, B, 2] → [B, 1] */
  forward(sequence: tf.Tensor3D): tf.Tensor {
    const fed = this.input.forward(sequence); // [T, B, H]
    let h: tf.Tensor | undefined;
    for (const x of tf.unstack(fed)) {
      h = tf.relu(h === undefined ? x : tf.add(x, tf.matMul(h, this.recurrent.value))); // [B, H]
    }
    return this.output.forward(h!);
  }
}

/** One mark in each half of the sequence. */
export function drawBatch(random: Random, lag: number, batch: number): { sequence: tf.Tensor3D; sums: tf.Tensor2D } {
  const numbers = random.uniformArray(lag * batch);
  const sequence = new Float32Array(lag * batch * 2);
  for (let index = 0; index < numbers.length; index++) sequence[2 * index] = numbers[index]!;
  const half = Math.floor(lag / 2);
  const sums = Float32Array.from({ length: batch }, (_, row) => {
    const marked = [random.integer(half), half + random.integer(lag - half)];
    for (const time of marked) sequence[2 * (time * batch + row) + 1] = 1;
    return marked.reduce((sum, time) => sum + numbers[time * batch + row]!, 0);
  });
  return { sequence: tf.tensor3d(sequence, [lag, batch, 2]), sums: tf.tensor2d(sums, [batch, 1]) };
}

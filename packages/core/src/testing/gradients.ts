import { tf } from '@milestones/backend';
import type { Parameter } from '../parameter.ts';
import { Random } from '../random/random.ts';
import { withEngine } from './engines.ts';

/** Options of {@link checkGradients}. */
export interface GradientCheckOptions {
  /** Parameters that `f` uses; their gradients are checked too. Non-trainable ones are passed over. */
  parameters?: ReadonlyMap<string, Parameter>;
  /** h, the distance of the nearer pair of points. Default 0.01. Keep kinks (as of ReLU) further than 2 h away. */
  step?: number;
  /** Largest difference, relative to the largest gradient in the same tensor. Default 1e-3. */
  tolerance?: number;
  /** At most this many values of each tensor are moved, spread evenly. Default 64. */
  samples?: number;
}

/** The output of `f` and the gradients of Σ weights · f. */
export interface Differentiated {
  output: tf.Tensor;
  inputs: (tf.Tensor | undefined)[];
  parameters: Record<string, tf.Tensor>;
}

/**
 * Differentiates Σ weights · f(inputs). An input of whole numbers, and one that `f` does not depend on, has no gradient;
 * a parameter that `f` does not depend on has zeros. Call it inside `tf.tidy`, or free the results.
 */
export function differentiate(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  parameters: ReadonlyMap<string, Parameter>,
  weights: (output: tf.Tensor) => tf.Tensor,
): Differentiated {
  const output = tf.tidy(() => f(...inputs));
  const trainable = [...parameters].filter(([, parameter]) => parameter.trainable);
  // Whole numbers are left out: tfjs would look for gradients of comparisons and casts on the way to them.
  const differentiable = inputs.filter((input) => input.dtype === 'float32');
  const sources = [...differentiable, ...trainable.map(([, parameter]) => parameter.value)];
  const loss = (): tf.Scalar => tf.sum(tf.mul(f(...inputs), weights(output)));
  const { grads } = tf.engine().gradients(loss, sources, undefined, true);
  const found = grads as (tf.Tensor | undefined)[];
  return {
    output,
    inputs: inputs.map((input) => (differentiable.includes(input) ? found[differentiable.indexOf(input)] : undefined)),
    parameters: Object.fromEntries(
      trainable.map(([name, { shape }], index) => [name, found[differentiable.length + index] ?? tf.zeros([...shape])]),
    ),
  };
}

/**
 * Compares the gradients of `f` with finite differences, on the cpu engine, and throws where they disagree.
 *
 * The output is projected on fixed random weights; the sum over the output is taken in double precision from differences
 * of single values. float32 leaves about seven digits of f, so that a small h drowns in rounding and a large one in
 * curvature: the fourth-order stencil (8 (f(+h) − f(−h)) − (f(+2h) − f(−2h))) / 12h allows h = 0.01.
 *
 * `f` must be deterministic (fix the random key of a dropout) and smooth within 2 h of the inputs.
 *
 * @param f a differentiable function of `inputs`, and of `options.parameters` if given
 * @param inputs float32 tensors are checked; int32 tensors are passed through
 */
export async function checkGradients(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[] = [],
  options: GradientCheckOptions = {},
): Promise<void> {
  await withEngine('cpu', () => {
    const parameters = options.parameters ?? new Map<string, Parameter>();
    // Variables in place of the inputs: their values can be moved.
    const moving = inputs.map((input) => tf.tidy(() => tf.variable(tf.clone(input), false)));
    try {
      tf.tidy(() => compare(f, moving, parameters, options));
    } finally {
      for (const variable of moving) variable.dispose();
    }
  });
}

function compare(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Variable[],
  parameters: ReadonlyMap<string, Parameter>,
  options: GradientCheckOptions,
): void {
  const { step = 0.01, tolerance = 1e-3, samples = 64 } = options;
  const random = new Random(1, 'checkGradients');
  let projection: Float64Array | undefined;
  const analytic = differentiate(f, inputs, parameters, (output) => {
    // Weights of both signs, none near 0: with all ones, a softmax would sum to 1 and hide every error.
    projection ??= Float64Array.from({ length: output.size }, () => {
      const weight = Math.fround(0.5 + random.uniform());
      return random.uniform() < 0.5 ? weight : -weight;
    });
    return tf.tensor(Float32Array.from(projection), output.shape);
  });
  const weights = projection as Float64Array;
  const evaluate = (): ArrayLike<number> => tf.tidy(() => f(...inputs).dataSync());
  const project = (above: ArrayLike<number>, below: ArrayLike<number>): number =>
    weights.reduce((sum, weight, index) => sum + weight * ((above[index] as number) - (below[index] as number)), 0);

  const targets: [string, tf.Variable, tf.Tensor | undefined][] = inputs
    .map((input, index): [string, tf.Variable, tf.Tensor | undefined] => [
      `input ${index}`,
      input,
      analytic.inputs[index],
    ])
    .filter(([, input]) => input.dtype === 'float32');
  for (const [name, parameter] of parameters) {
    if (parameter.trainable) targets.push([`parameter ${name}`, parameter.value, analytic.parameters[name]]);
  }
  for (const [what, variable, gradient] of targets) {
    const values = Float32Array.from(variable.dataSync());
    const gradients = gradient?.dataSync() ?? new Float32Array(values.length);
    const at = (index: number, offset: number): ArrayLike<number> => {
      const moved = Float32Array.from(values);
      moved[index] = (moved[index] as number) + offset;
      tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
      return evaluate();
    };
    const stride = Math.max(1, values.length / samples);
    const checked: { index: number; numeric: number; found: number }[] = [];
    try {
      for (let position = 0; position < values.length; position += stride) {
        const index = Math.floor(position);
        const value = values[index] as number;
        // x + h is rounded to float32: divide by the distance that was really covered.
        const near = Math.fround(value + step) - Math.fround(value - step);
        const far = Math.fround(value + 2 * step) - Math.fround(value - 2 * step);
        const slope = project(at(index, step), at(index, -step)) / near;
        const wideSlope = project(at(index, 2 * step), at(index, -2 * step)) / far;
        checked.push({ index, numeric: (4 * slope - wideSlope) / 3, found: gradients[index] as number });
      }
    } finally {
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    }
    const scale = Math.max(0.05, ...checked.map(({ numeric }) => Math.abs(numeric)));
    for (const { index, numeric, found } of checked) {
      if (Math.abs(found - numeric) <= tolerance * scale) continue;
      throw new Error(
        `checkGradients: the gradient by ${what}, flat index ${index}, is ${found} and finite differences give ${numeric} ` +
          `(largest in this tensor ${scale.toPrecision(3)}, allowed difference ${(tolerance * scale).toExponential(1)}).`,
      );
    }
  }
}

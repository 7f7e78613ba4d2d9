/**
 * How weights begin. An initializer is a function of a shape and a random stream; the fans of a weight are read from its
 * shape: [in, out] for a dense layer, [height, width, in, out] for a convolution.
 */
import { tf } from '@milestones/backend';
import type { Random } from './random/random.ts';

/** Makes the initial values of a weight; the caller disposes the tensor. */
export type Initializer = (shape: readonly number[], random: Random) => tf.Tensor;

/** All zeros. */
export function zeros(): Initializer {
  return constant(0);
}

/** All ones. */
export function ones(): Initializer {
  return constant(1);
}

/** The same value everywhere. */
export function constant(value: number): Initializer {
  return (shape) => tf.fill([...shape], value);
}

/** N(mean, standardDeviation²). */
export function normal(standardDeviation: number, mean = 0): Initializer {
  return (shape, random) => {
    const values = random.normalArray(sizeOf(shape));
    for (let index = 0; index < values.length; index++) values[index] = mean + standardDeviation * values[index]!;
    return tf.tensor(values, [...shape], 'float32');
  };
}

/**
 * N(0, standardDeviation²), each value beyond two standard deviations drawn again. The spread of what remains is 0.88 of
 * `standardDeviation`; like the releases of BERT, this does not correct for it.
 */
export function truncatedNormal(standardDeviation: number): Initializer {
  return (shape, random) => {
    const values = random.normalArray(sizeOf(shape));
    for (let index = 0; index < values.length; index++) {
      let value = values[index]!;
      while (Math.abs(value) > 2) value = random.normal();
      values[index] = standardDeviation * value;
    }
    return tf.tensor(values, [...shape], 'float32');
  };
}

/** U(low, high). */
export function uniform(low: number, high: number): Initializer {
  return (shape, random) => {
    const values = random.uniformArray(sizeOf(shape));
    for (let index = 0; index < values.length; index++) values[index] = low + (high - low) * values[index]!;
    return tf.tensor(values, [...shape], 'float32');
  };
}

/** U(−1/√fanIn, 1/√fanIn): what PyTorch's linear layers begin with. Biases have no fan of their own, so it can be given. */
export function fanInUniform(fanIn?: number): Initializer {
  return (shape, random) => {
    const bound = 1 / Math.sqrt(fanIn ?? fansOf(shape).fanIn);
    return uniform(-bound, bound)(shape, random);
  };
}

/** U(−a, a), a = gain · √(6 / (fanIn + fanOut)). Glorot and Bengio 2010, equation 16. */
export function xavierUniform(gain = 1): Initializer {
  return (shape, random) => {
    const { fanIn, fanOut } = fansOf(shape);
    const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
    return uniform(-bound, bound)(shape, random);
  };
}

/** N(0, σ²), σ = gain · √(2 / (fanIn + fanOut)). Glorot and Bengio 2010. */
export function xavierNormal(gain = 1): Initializer {
  return (shape, random) => {
    const { fanIn, fanOut } = fansOf(shape);
    return normal(gain * Math.sqrt(2 / (fanIn + fanOut)))(shape, random);
  };
}

/** U(−a, a), a = √(6 / fanIn), for layers followed by ReLU. He et al. 2015, "Delving deep into rectifiers", section 2.2. */
export function heUniform(): Initializer {
  return (shape, random) => {
    const bound = Math.sqrt(6 / fansOf(shape).fanIn);
    return uniform(-bound, bound)(shape, random);
  };
}

/** N(0, σ²), σ = √(2 / fanIn), for layers followed by ReLU. He et al. 2015, section 2.2, equation 10. */
export function heNormal(): Initializer {
  return (shape, random) => normal(Math.sqrt(2 / fansOf(shape).fanIn))(shape, random);
}

/** How many values one output sums over (fanIn) and how many outputs one input reaches (fanOut). */
export function fansOf(shape: readonly number[]): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    throw new Error(
      `fansOf: the shape [${shape.join(', ')}] has no fans; give a weight of at least two axes ([in, out]), or an initializer that needs none.`,
    );
  }
  const receptiveField = sizeOf(shape.slice(0, -2));
  return { fanIn: receptiveField * shape[shape.length - 2]!, fanOut: receptiveField * shape[shape.length - 1]! };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

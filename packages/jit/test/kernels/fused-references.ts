/** The kernels that tfjs's cpu engine does not have, in tfjs's operations: what they are compared with. */
import * as tf from '@tensorflow/tfjs';
// The numbers' definition lives one package above.
import { fillCounterRandom } from '../../../backend/src/threefry.ts';
import type { Reference } from './against-cpu.ts';

/** Differentiates a value with respect to some inputs, by name. */
function gradients(
  value: (inputs: Readonly<Record<string, tf.Tensor>>) => tf.Tensor,
  inputs: Readonly<Record<string, tf.Tensor>>,
  names: readonly string[],
): tf.Tensor[] {
  const sum = (...args: tf.Tensor[]): tf.Tensor =>
    value({ ...inputs, ...Object.fromEntries(names.map((name, index) => [name, args[index]!])) });
  return tf.grads(sum)(
    names.map((name) => inputs[name]!),
    inputs['dy']!,
  );
}

function normalized(x: tf.Tensor, axes: number[], epsilon: number): [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor] {
  const { mean, variance } = tf.moments(x, axes, true);
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  return [tf.mul(tf.sub(x, mean), inverse), mean, inverse, variance];
}

const leading = (x: tf.Tensor): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

const layerNorm: Reference = ({ x, weight, bias }, { epsilon }) => {
  const [y, mean, inverse] = normalized(x!, [x!.rank - 1], epsilon as number);
  const scaled = tf.mul(y, weight!);
  return [bias === undefined ? scaled : tf.add(scaled, bias), mean, inverse];
};

const batchNorm: Reference = ({ x, weight, bias }, { epsilon }) => {
  const [y, mean, inverse, variance] = normalized(x!, leading(x!), epsilon as number);
  const vectors = [mean, variance, inverse].map((each) => tf.reshape(each, [x!.shape.at(-1)!]));
  return [tf.add(tf.mul(y, weight!), bias!), ...vectors];
};

const gelu = ({ x }: Readonly<Record<string, tf.Tensor>>): tf.Tensor =>
  tf.mul(tf.mul(x!, 0.5), tf.add(tf.erf(tf.mul(x!, Math.SQRT1_2)), 1));

const crossEntropy = ({ logits, labels }: Readonly<Record<string, tf.Tensor>>): tf.Tensor => {
  // Not oneHot, which refuses a single class.
  const classes = tf.range(0, logits!.shape[1]!, 1, 'int32');
  const target = tf.cast(tf.equal(tf.expandDims(labels!, 1), classes), 'float32');
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits!), target), 1));
};

const adam: Reference = (inputs, attributes) => {
  const { count, beta1, beta2, decay } = attributes as Record<'count' | 'beta1' | 'beta2' | 'decay', number>;
  const { size, epsilon, kept } = inputs;
  const updated = Array.from({ length: count }, (_, index) => {
    const of = (name: string): tf.Tensor => inputs[`${name}${index}`]!;
    const slope = tf.add(of('gradient'), tf.mul(of('value'), decay));
    const first = tf.add(tf.mul(of('first'), beta1), tf.mul(slope, 1 - beta1));
    const second = tf.add(tf.mul(of('second'), beta2), tf.mul(tf.square(slope), 1 - beta2));
    const step = tf.mul(tf.div(first, tf.add(tf.sqrt(second), epsilon!)), size!);
    return { next: tf.sub(tf.mul(of('value'), kept ?? 1), step), first, second };
  });
  return (['next', 'first', 'second'] as const).flatMap((name) => updated.map((each) => each[name]));
};

const counterRandom: Reference = ({ key }, attributes) => {
  const { stream, shape, distribution } = attributes as { stream: number; shape: number[]; distribution: 'uniform' };
  const [first, second] = key!.dataSync() as Int32Array;
  const size = shape.reduce((product, length) => product * length, 1);
  const isBits = String(distribution) === 'bits';
  const data = isBits ? new Int32Array(size) : new Float32Array(size);
  fillCounterRandom(data, first!, second!, stream, distribution);
  return [tf.tensor(data, shape, isBits ? 'int32' : 'float32')];
};

/** See the file's head. */
export const references: Readonly<Record<string, Reference>> = {
  BroadcastTo: ({ x }, { shape }) => [tf.add(x!, tf.zeros(shape as number[], x!.dtype))],
  MilestonesAdam: adam,
  MilestonesBatchNorm: batchNorm,
  MilestonesBatchNormGradient: (inputs, attributes) =>
    gradients(
      ({ x, weight }) => batchNorm({ x: x!, weight: weight!, bias: tf.zerosLike(weight!) }, attributes)[0]!,
      inputs,
      ['x', 'weight'],
    ).concat(tf.sum(inputs['dy']!, leading(inputs['dy']!))),
  MilestonesCounterRandom: counterRandom,
  MilestonesGelu: (inputs) => [gelu(inputs)],
  MilestonesGeluGradient: (inputs) => gradients(gelu, inputs, ['x']),
  MilestonesLayerNorm: layerNorm,
  MilestonesLayerNormGradient: (inputs, attributes) =>
    gradients(({ x, weight }) => layerNorm({ x: x!, weight: weight! }, attributes)[0]!, inputs, ['x', 'weight']).concat(
      tf.sum(inputs['dy']!, leading(inputs['dy']!)),
    ),
  MilestonesSharedProduct: ({ x, weight }, { transpose }) => [
    tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, transpose as boolean),
  ],
  MilestonesSoftmaxCrossEntropy: (inputs) => [crossEntropy(inputs), tf.softmax(inputs['logits']!)],
  // The probabilities of the first pass are the softmax of these logarithms.
  MilestonesSoftmaxCrossEntropyGradient: ({ dy, probabilities, labels }) =>
    gradients(crossEntropy, { dy: dy!, logits: tf.log(probabilities!), labels: labels! }, ['logits']),
};

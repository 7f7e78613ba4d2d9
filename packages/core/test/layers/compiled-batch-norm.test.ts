/**
 * Batch norm in training mode inside a compiled step, where the mean is a thousand times the deviation, against two passes in
 * double precision: a variance that is a difference of squares would have no digit left.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, tf, useBackend } from '@milestones/backend';
import { BatchNorm, Random, valueAndGradients } from '../../src/index.ts';

const EPSILON = 1e-5;
const MOMENTUM = 0.1;
const MEAN = 1000;

beforeAll(async () => {
  await useBackend('onnx');
});

const normals = (count: number, seed: number, mean = 0): Float32Array =>
  new Random(seed).normalArray(count).map((value) => value + mean);

/** The formulas for one channel: x and dy of that channel, in double precision. */
function twoPasses(x: readonly number[], dy: readonly number[], scale: number, shift: number) {
  const count = x.length;
  const meanOf = (compute: (index: number) => number): number =>
    x.reduce((sum, _, index) => sum + compute(index), 0) / count;
  const mean = meanOf((index) => x[index]!);
  const variance = meanOf((index) => (x[index]! - mean) ** 2);
  const inverse = 1 / Math.sqrt(variance + EPSILON);
  const normalised = x.map((value) => (value - mean) * inverse);
  const level = meanOf((index) => dy[index]!);
  const along = meanOf((index) => dy[index]! * normalised[index]!);
  return {
    y: normalised.map((value) => value * scale + shift),
    dx: normalised.map((value, index) => scale * inverse * (dy[index]! - level - value * along)),
    scale: along * count,
    shift: level * count,
    runningMean: MOMENTUM * mean,
    runningVariance: 1 - MOMENTUM + (MOMENTUM * variance * count) / (count - 1),
  };
}

const cases = [
  { shape: [16, 4, 4, 32], what: 'images whose channels fill blocks' },
  { shape: [3, 5, 4, 5], what: 'images of few channels' },
  { shape: [64, 7], what: 'rows' },
  { shape: [16, 4, 4, 32], what: 'what a convolution of large inputs gives', inputs: 8 },
  { shape: [2, 6, 6, 16], what: 'what a convolution of two images gives', inputs: 8 },
];

describe('compiled batch norm keeps its digits', () => {
  it.each(cases)('of $what', async ({ shape, inputs }) => {
    const channels = shape.at(-1)!;
    const size = shape.reduce((product, length) => product * length, 1);
    const rows = size / channels;
    const layer = new BatchNorm({ features: channels, momentum: MOMENTUM, epsilon: EPSILON }).initialize(1);
    const [scale, shift] = [normals(channels, 2), normals(channels, 3)];
    layer.scale.value.assign(tf.tensor1d(scale));
    layer.shift.value.assign(tf.tensor1d(shift));

    const given = inputs === undefined ? normals(size, 4, MEAN) : normals(rows * inputs, 4, MEAN);
    // Columns whose sum is 1 leave the mean what it is.
    const filter = inputs === undefined ? undefined : mixing(inputs, channels);
    const dy = normals(size, 5);
    const convolved = (image: tf.Tensor): tf.Tensor =>
      filter === undefined
        ? image
        : tf.conv2d(image as tf.Tensor4D, tf.tensor4d(filter, [1, 1, inputs!, channels]), 1, 'valid');
    const step = compile((image: tf.Tensor, upstream: tf.Tensor): Record<string, tf.Tensor> => {
      const lossOf = (x: tf.Tensor): tf.Scalar => tf.sum(tf.mul(layer.forward(convolved(x)), upstream));
      const { gradients } = valueAndGradients(() => lossOf(image), layer.trainableParameters());
      const dx = filter === undefined ? { dx: tf.grad(lossOf)(image) } : {};
      // Asked for apart; in the graph it is one forward pass.
      return { y: layer.forward(convolved(image)), ...gradients, ...dx };
    });
    const imageShape = inputs === undefined ? shape : [...shape.slice(0, -1), inputs];
    const found = await step(tf.tensor(given, imageShape), tf.tensor(dy, shape));

    const exact = filter === undefined ? Array.from(given) : multiplied(given, filter, inputs!, channels);
    for (let channel = 0; channel < channels; channel++) {
      const column = (values: ArrayLike<number>): number[] =>
        Array.from({ length: rows }, (_, row) => values[row * channels + channel]!);
      const wanted = twoPasses(column(exact), column(dy), scale[channel]!, shift[channel]!);
      const close = (name: string, ours: number[], right: number[], tolerance: number): void => {
        const worst = Math.max(...right.map((value, index) => Math.abs(value - ours[index]!)));
        const largest = Math.max(1, ...right.map(Math.abs));
        expect(worst / largest, `${name} of channel ${channel}`).toBeLessThan(tolerance);
      };
      close('y', column(found['y']!.dataSync()), wanted.y, 1e-3);
      if (found['dx'] !== undefined) close('dx', column(found['dx'].dataSync()), wanted.dx, 1e-3);
      for (const name of ['scale', 'shift'] as const) {
        // A sum over all rows, each with the rounding of a number near 1000.
        close(name, [found[name]!.dataSync()[channel]!], [wanted[name]], 5e-3);
      }
    }
    tf.dispose(found);
    await step.dispose();
    layer.dispose();
  });

  it('in the running estimates', async () => {
    const layer = new BatchNorm({ features: 16, momentum: MOMENTUM, epsilon: EPSILON }).initialize(1);
    const given = normals(20 * 3 * 3 * 16, 6, MEAN);
    const step = compile((x: tf.Tensor) => tf.sum(layer.forward(x)));
    (await step(tf.tensor(given, [20, 3, 3, 16]))).dispose();
    const [mean, variance] = [layer.runningMean, layer.runningVariance].map(({ value }) => value.dataSync());
    for (let channel = 0; channel < 16; channel++) {
      const x = Array.from({ length: 180 }, (_, row) => given[row * 16 + channel]!);
      const wanted = twoPasses(x, x, 1, 0);
      expect(mean![channel]).toBeCloseTo(wanted.runningMean, 3);
      expect(variance![channel]).toBeCloseTo(wanted.runningVariance, 4);
    }
    await step.dispose();
    layer.dispose();
  });
});

/** A 1 × 1 filter [inputs, outputs] of positive numbers whose columns have the sum 1. */
function mixing(inputs: number, outputs: number): Float32Array {
  const numbers = Array.from(normals(inputs * outputs, 7), Math.abs);
  const sums = Array.from({ length: outputs }, (_, output) =>
    Array.from({ length: inputs }, (_unused, input) => numbers[input * outputs + output]!).reduce((a, b) => a + b),
  );
  return Float32Array.from(numbers, (number, index) => number / sums[index % outputs]!);
}

/** The convolution by such a filter, in double precision. */
function multiplied(x: Float32Array, filter: Float32Array, inputs: number, outputs: number): number[] {
  return Array.from({ length: (x.length / inputs) * outputs }, (_, index) => {
    const [row, output] = [Math.floor(index / outputs), index % outputs];
    let sum = 0;
    for (let input = 0; input < inputs; input++) {
      sum += x[row * inputs + input]! * filter[input * outputs + output]!;
    }
    return sum;
  });
}

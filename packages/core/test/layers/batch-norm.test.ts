import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { batchNorm, Random } from '../../src/index.ts';
import { checkGradients, checkLeaks, compareEngines, expectClose } from '../../src/testing.ts';

const normals = (shape: number[], seed: number, mean = 0): tf.Tensor => {
  const size = shape.reduce((product, each) => product * each, 1);
  const values = new Random(seed).normalArray(size).map((value) => value + mean);
  return tf.tensor(values, shape);
};

beforeAll(async () => {
  await useBackend('cpu');
});

describe('batchNorm', () => {
  it('is what tfjs composes of moments, and shows the statistics', () => {
    tf.tidy(() => {
      const [x, weight, bias] = [normals([3, 2, 2, 4], 1), normals([4], 2), normals([4], 3)];
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      let seen = 0;
      const y = batchNorm(x, weight, bias, {
        epsilon: 1e-3,
        observe: (statistics) => {
          seen += 1;
          expectClose(statistics.mean, mean);
          expectClose(statistics.variance, variance);
        },
      });
      expect(seen).toBe(1);
      expectClose(
        y,
        tf.batchNorm(
          x as tf.Tensor4D,
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          bias as tf.Tensor1D,
          weight as tf.Tensor1D,
          1e-3,
        ),
      );
    });
  });

  it('has the gradients of finite differences, and frees what it makes', async () => {
    const inputs = [normals([5, 3], 1), normals([3], 2), normals([3], 3)];
    const norm = (...[x, weight, bias]: tf.Tensor[]): tf.Tensor => batchNorm(x!, weight!, bias!);
    await checkGradients(norm, inputs);
    await checkLeaks(() => tf.tidy(() => norm(...inputs)).dispose(), 10);
    tf.dispose(inputs);
  });

  it('agrees on all engines, also where the mean is large', async () => {
    const inputs = [normals([6, 4, 4, 3], 1, 100), normals([3], 2), normals([3], 3)] as const;
    const norm = (): Record<string, tf.Tensor> => {
      const [dx] = tf.grads((x: tf.Tensor) => tf.sum(tf.square(batchNorm(x, inputs[1], inputs[2]))))([inputs[0]]);
      return { y: batchNorm(...inputs), dx: dx! };
    };
    await expect(compareEngines(norm, ['cpu', 'wasm', 'onnx'], 1e-4)).resolves.toBeUndefined();
    tf.dispose([...inputs]);
  });

  it('refuses a weight of another size', () => {
    tf.tidy(() => {
      expect(() => batchNorm(tf.zeros([2, 3]), tf.ones([2]), tf.zeros([3]))).toThrow(
        'batchNorm: a weight of shape [2] arrived for an input of shape [2, 3]; give it the shape [3].',
      );
    });
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { principalComponents, Random } from '../src/index.ts';
import { expectClose } from '../src/testing.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('principalComponents', () => {
  it('finds directions, variances and mean that the data was made from', async () => {
    // Rows ± a, ± b, ± c along three orthonormal directions: variances 2 a² / 6 and so on, exactly.
    const directions = [
      [0.6, 0.8, 0, 0],
      [-0.8, 0.6, 0, 0],
      [0, 0, 0.6, -0.8],
    ];
    const lengths = [3, 2, 1];
    const rows = directions.flatMap((direction, index) =>
      [1, -1].map((sign) => direction.map((value) => 5 + sign * lengths[index]! * value)),
    );
    const found = await principalComponents(tf.tensor2d(rows), 2);
    expectClose(found.mean, [5, 5, 5, 5], 1e-6);
    expect(found.components.shape).toEqual([4, 2]);
    expect(found.variances[0]).toBeCloseTo(18 / 6, 5);
    expect(found.variances[1]).toBeCloseTo(8 / 6, 5);
    const columns = tf.unstack(found.components, 1).map((column) => [...column.dataSync()]);
    columns.forEach((column, index) => {
      const along = column.reduce((sum, value, place) => sum + value * directions[index]![place]!, 0);
      expect(Math.abs(along)).toBeCloseTo(1, 5);
    });
  });

  it('leaves an error of exactly the variance that it leaves out', async () => {
    const values = new Random(4).normalArray(200 * 30);
    const data = tf.tidy(() => tf.mul(tf.tensor2d(values, [200, 30]), tf.linspace(0.2, 3, 30))) as tf.Tensor2D;
    const { mean, components, variances } = await principalComponents(data, 6, { iterations: 200 });
    const [error, total, product] = tf.tidy(() => {
      const centred = tf.sub(data, mean) as tf.Tensor2D;
      const rebuilt = tf.matMul(tf.matMul(centred, components), components, false, true);
      return [
        tf.div(tf.sum(tf.squaredDifference(centred, rebuilt)), 200).dataSync()[0]!,
        tf.div(tf.sum(tf.square(centred)), 200).dataSync()[0]!,
        tf.matMul(components, components, true).arraySync() as number[][],
      ] as const;
    });
    expect(error).toBeCloseTo(total - variances.reduce((sum, value) => sum + value, 0), 3);
    product.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(i === j ? 1 : 0, 5)));
    expect(variances).toEqual(variances.toSorted((a, b) => b - a));
  });

  it('leaves nothing behind but what it returns, and refuses a wrong number', async () => {
    const data = tf.tensor2d([
      [1, 2],
      [3, 5],
      [0, 1],
    ]);
    const before = tf.memory().numTensors;
    const { mean, components } = await principalComponents(data, 2);
    tf.dispose([mean, components]);
    expect(tf.memory().numTensors).toBe(before);
    await expect(principalComponents(data, 3)).rejects.toThrow('3 components of 2 features were asked for');
  });
});

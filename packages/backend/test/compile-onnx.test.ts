import { beforeAll, describe, expect, it } from 'vitest';
import { compile, counterRandom, tf, useBackend } from '@milestones/backend';

const read = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

async function take(promise: Promise<tf.Tensor>): Promise<number[]> {
  const tensor = await promise;
  const values = read(tensor);
  tensor.dispose();
  return values;
}

describe('compile on the engine onnx', () => {
  beforeAll(async () => {
    await useBackend('onnx');
  });

  it('records the step once for each signature', async () => {
    let calls = 0;
    const step = compile((x: tf.Tensor) => {
      calls += 1;
      return tf.sum(x);
    });
    for (const values of [
      [1, 2],
      [3, 4],
      [5, 6, 7],
      [8, 9],
    ]) {
      const x = tf.tensor1d(values);
      expect(await take(step(x))).toEqual([values.reduce((sum, value) => sum + value)]);
      x.dispose();
    }
    expect(calls).toBe(2);
    await step.dispose();
  });

  it('follows a switch of the engine between two calls', async () => {
    const count = tf.tidy(() => tf.variable(tf.scalar(0)));
    const engines: string[] = [];
    const step = compile(() => {
      engines.push(tf.getBackend());
      count.assign(tf.add(count, 1));
      return tf.mul(count, 10);
    });
    expect(await take(step())).toEqual([10]);
    await useBackend('cpu');
    expect(await take(step())).toEqual([20]);
    await useBackend('onnx');
    expect(await take(step())).toEqual([30]);
    expect(read(count)).toEqual([3]);
    expect(engines).toEqual(['milestones-trace', 'cpu']);
    await step.dispose();
    expect(await take(step())).toEqual([40]);
    await step.dispose();
    count.dispose();
  });

  it('draws new random numbers in every step, and those of the host', async () => {
    const draw = (key: tf.Tensor): tf.Tensor => counterRandom(key as tf.Tensor1D, 3, [500], 'uniform');
    const step = compile(draw);
    const drawn: number[][] = [];
    for (const index of [0, 1]) {
      const key = tf.tensor1d([7, index], 'int32');
      drawn.push(await take(step(key)));
      await useBackend('cpu');
      expect(drawn[index]).toEqual(tf.tidy(() => read(draw(key))));
      await useBackend('onnx');
      key.dispose();
    }
    expect(drawn[0]).not.toEqual(drawn[1]);
    await step.dispose();
  });

  it('compiles einsum, which tfjs computes wrongly', async () => {
    const [a, b] = [
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
      tf.tensor1d([1, 10]),
    ];
    const step = compile((x: tf.Tensor, y: tf.Tensor) => tf.einsum('bi,j->bj', x, y));
    expect(await take(step(a, b))).toEqual([3, 30, 7, 70]);
    expect(tf.tidy(() => read(tf.einsum('bi,j->bj', a, b)))).toEqual([3, 30, 7, 70]);
    await step.dispose();
    tf.dispose([a, b]);
  });

  it('rejects with the operation, the place and the remedy', async () => {
    const step = compile((x: tf.Tensor) => tf.dropout(x, 0.5));
    const x = tf.ones([4]);
    await expect(step(x)).rejects.toThrow(
      /^compile: tf\.dropout: its random numbers are drawn in JavaScript .*compile-onnx\.test\.ts:\d+:\d+\)?; draw them from a random key/,
    );
    x.dispose();
  });
});

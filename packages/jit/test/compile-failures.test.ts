/** What a compiled step does when a run fails or is disposed of, with variables and calls as a training loop has them. */
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileStep } from '../src/compile.ts';
import { registerOnnxBackend } from '../src/engine/register.ts';

beforeAll(async () => {
  await registerOnnxBackend();
  await tf.setBackend('onnx');
});
afterAll(() => tf.disposeVariables());

const read = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

it.each(['worker', 'inline'] as const)(
  'memory that does not suffice is an error; the next call runs, %s',
  async (thread) => {
    const count = tf.variable(tf.scalar(1));
    const step = compileStep(
      (x: tf.Tensor2D) => {
        count.assign(tf.add(count, 1));
        return tf.sum(tf.sin(tf.matMul(x, x, false, true)));
      },
      { thread },
    );
    const small = tf.ones([2, 1]) as tf.Tensor2D;
    (await step(small)).dispose();
    const large = tf.ones([400_000, 1]) as tf.Tensor2D; // Its products are 160 billion numbers.
    await expect(step(large)).rejects.toThrow(/out of memory.*make the batch or the model smaller/);
    expect(read(count)).toEqual([2]);
    (await step(small)).dispose();
    expect(read(count)).toEqual([3]);
    await step.dispose();
    tf.dispose([small, large]);
  },
);

it('numbers that are none go through', async () => {
  const step = compileStep((x: tf.Tensor) => tf.add(x, 1));
  const x = tf.tensor1d([NaN, Infinity, -Infinity, 1]);
  expect(read(await step(x))).toEqual([NaN, Infinity, -Infinity, 2]);
  await step.dispose();
  x.dispose();
});

it.each(['worker', 'inline'] as const)('a step that is disposed of while it runs ends its runs, %s', async (thread) => {
  const count = tf.variable(tf.scalar(1));
  const step = compileStep(
    (x: tf.Tensor) => {
      count.assign(tf.add(count, x));
      return tf.mul(count, 2);
    },
    { thread },
  );
  const one = tf.scalar(1);
  const runs = [step(one), step(one), step(one)];
  const disposal = step.dispose();
  await expect(step(one)).rejects.toThrow('this compiled step was disposed; compile the step again');
  expect((await Promise.all(runs)).map((result) => read(result)[0])).toEqual([4, 6, 8]);
  await disposal;
  expect(read(count)).toEqual([4]);
  one.dispose();
});

import { beforeAll, describe, expect, it } from 'vitest';
import { compile, tf } from '@milestones/backend';

describe('compile', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('returns what the step returns, frees what it made on the way, and leaves the arguments', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const before = tf.memory().numTensors;
    const step = compile((input: tf.Tensor) => tf.sum(tf.square(tf.add(input, 1))));
    const result = await step(x);
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(result.dataSync()[0]).toBe(4 + 9 + 16);
    expect(x.isDisposed).toBe(false);
    tf.dispose([result, x]);
  });

  it('returns tensors by name', async () => {
    const x = tf.tensor1d([3, 4]);
    const before = tf.memory().numTensors;
    const step = compile((input: tf.Tensor) => ({ sum: tf.sum(input), norm: tf.sqrt(tf.sum(tf.square(input))) }));
    const { sum, norm } = await step(x);
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(sum!.dataSync()[0]).toBe(7);
    expect(norm!.dataSync()[0]).toBe(5);
    tf.dispose([sum!, norm!, x]);
  });

  it('keeps what the step assigns to a variable', async () => {
    const weight = tf.variable(tf.scalar(1));
    const rate = tf.scalar(0.5);
    const before = tf.memory().numTensors;
    const step = compile((learningRate: tf.Tensor) => {
      const { value, grads } = tf.variableGrads(() => tf.square(weight).asScalar(), [weight]);
      weight.assign(tf.sub(weight, tf.mul(learningRate, grads[weight.name]!)));
      return value;
    });
    for (const expected of [1, 0]) {
      const loss = await step(rate);
      expect(loss.dataSync()[0]).toBe(expected);
      loss.dispose();
    }
    expect(weight.dataSync()[0]).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([weight, rate]);
  });

  it('turns an error of the step into a rejection, and frees what the step had made', async () => {
    const before = tf.memory().numTensors;
    const step = compile((): tf.Tensor => {
      tf.zeros([4]);
      throw new Error('dense: no such layer.');
    });
    await expect(step()).rejects.toThrow('dense: no such layer.');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses an asynchronous step', async () => {
    const step = compile((async () => tf.scalar(1)) as unknown as () => tf.Tensor);
    await expect(step()).rejects.toThrow('compile: the step returned a promise; make it a synchronous function');
  });
});

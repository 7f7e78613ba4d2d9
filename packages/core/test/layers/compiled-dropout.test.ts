import { compile, tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { Dropout, Random, RandomKey } from '../../src/index.ts';

describe('Dropout in a compiled step', () => {
  beforeAll(async () => {
    await useBackend('onnx');
  });

  it('drops other values in every step, and those that it drops on the host', async () => {
    const dropout = new Dropout(0.3).train();
    const forward = (x: tf.Tensor, key: tf.Tensor1D): tf.Tensor =>
      dropout.forward(x, new RandomKey(key).fold('here').fold(2));
    const step = compile(forward);
    const x = tf.ones([20, 30]);
    const noise = new Random(5, 'dropout');
    const seen = new Set<string>();
    for (const index of [0, 1, 2, 1]) {
      const key = noise.keyAt(index);
      const compiled = await step(x, key);
      const values = compiled.dataSync();
      await useBackend('cpu');
      expect(values).toEqual(tf.tidy(() => forward(x, key).dataSync()));
      await useBackend('onnx');
      seen.add(values.join());
      tf.dispose([compiled, key]);
    }
    expect(seen.size).toBe(3);
    await step.dispose();
    x.dispose();
  });

  it('lets through the gradient of what it kept', async () => {
    const dropout = new Dropout(0.5).train();
    const step = compile((x: tf.Tensor, key: tf.Tensor1D) => {
      const kept = dropout.forward(x, new RandomKey(key));
      const slope = tf.grad((input) => tf.sum(dropout.forward(input, new RandomKey(key))))(x);
      return { kept, slope };
    });
    const x = tf.ones([64]);
    const key = new Random(1).keyAt(3);
    const { kept, slope } = await step(x, key);
    expect(slope!.dataSync()).toEqual(kept!.dataSync());
    expect(new Set(kept!.dataSync())).toEqual(new Set([0, 2]));
    await step.dispose();
    tf.dispose([x, key, kept!, slope!]);
  });
});

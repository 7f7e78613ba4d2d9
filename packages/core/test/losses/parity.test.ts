/** Every loss against PyTorch: values and gradients. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import * as losses from '../../src/losses/index.ts';

interface Packed {
  dtype: 'float32' | 'int32';
  shape: number[];
  values: number[];
}
interface Case {
  loss: string;
  options: Record<string, unknown>;
  inputs: Record<string, Packed>;
  weights: Packed;
  value: Packed;
  gradients: Record<string, Packed>;
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/losses.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

const unpack = ({ dtype, shape, values }: Packed): tf.Tensor => tf.tensor(values, shape, dtype);

function expectClose(what: string, actual: tf.Tensor | undefined, expected: Packed): void {
  expect(actual?.shape, what).toEqual(expected.shape);
  const values = actual?.dataSync() ?? [];
  expected.values.forEach((wanted, index) => {
    const error = Math.abs((values[index] as number) - wanted) / Math.max(1, Math.abs(wanted));
    expect(error, `${what}[${index}]: ${values[index]}, PyTorch has ${wanted}`).toBeLessThan(1e-5);
  });
}

for (const engine of ['cpu', 'wasm'] as const) {
  describe(engine, () => {
    beforeAll(async () => {
      await useBackend(engine);
    });
    cases.forEach(({ loss, options, inputs, weights, value, gradients }, index) => {
      it(`case ${index}: ${loss} ${JSON.stringify(options)} equals PyTorch's`, () => {
        tf.tidy(() => {
          const names = Object.keys(inputs);
          const tensors = names.map((name) => unpack(inputs[name] as Packed));
          const call = (...args: tf.Tensor[]): tf.Tensor =>
            (losses[loss as 'crossEntropyLoss'] as (...all: unknown[]) => tf.Tensor)(...args, options);
          expectClose('value', call(...tensors), value);
          const differentiable = names.filter((name) => name in gradients);
          const gradient = tf.grads((...args: tf.Tensor[]) => {
            const all = names.map((name, i) => args[differentiable.indexOf(name)] ?? (tensors[i] as tf.Tensor));
            return tf.sum(tf.mul(call(...all), unpack(weights)));
          });
          const found = gradient(differentiable.map((name) => tensors[names.indexOf(name)] as tf.Tensor));
          differentiable.forEach((name, i) => expectClose(`gradient of ${name}`, found[i], gradients[name] as Packed));
        });
      });
    });
  });
}

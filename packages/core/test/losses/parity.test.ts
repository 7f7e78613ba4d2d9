/** Every loss against PyTorch: values and gradients. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import * as losses from '../../src/losses/index.ts';
import { expectClose, unpack, type PackedTensor } from '../../src/testing.ts';

interface Case {
  loss: string;
  options: Record<string, unknown>;
  inputs: Record<string, PackedTensor>;
  weights: PackedTensor;
  value: PackedTensor;
  gradients: Record<string, PackedTensor>;
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/losses.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

const LOSSES: Record<string, unknown> = { ...losses };

for (const engine of ['cpu', 'wasm'] as const) {
  describe(`on ${engine}`, () => {
    beforeAll(async () => {
      await useBackend(engine);
    });
    cases.forEach(({ loss, options, inputs, weights, value, gradients }, index) => {
      it(`case ${index}: ${loss} ${JSON.stringify(options)} equals PyTorch's`, () => {
        tf.tidy(() => {
          const names = Object.keys(inputs);
          const tensors = names.map((name) => unpack(inputs[name] as PackedTensor));
          const call = (...args: tf.Tensor[]): tf.Tensor =>
            (LOSSES[loss] as (...all: unknown[]) => tf.Tensor)(...args, options);
          expectClose(call(...tensors), value, 1e-5, 'the value');
          const differentiable = names.filter((name) => name in gradients);
          const gradient = tf.grads((...args: tf.Tensor[]) => {
            const all = names.map((name, i) => args[differentiable.indexOf(name)] ?? (tensors[i] as tf.Tensor));
            return tf.sum(tf.mul(call(...all), unpack(weights)));
          });
          const found = gradient(differentiable.map((name) => tensors[names.indexOf(name)] as tf.Tensor));
          differentiable.forEach((name, i) =>
            expectClose(found[i] as tf.Tensor, gradients[name] as PackedTensor, 1e-5, `the gradient by ${name}`),
          );
        });
      });
    });
  });
}

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { activation, gelu, geluTanh, leakyRelu, type ActivationName } from '../src/activations.ts';
import { checkGradients, checkLeaks, compareEngines, expectClose } from '../src/testing.ts';

const fixture = JSON.parse(readFileSync(new URL('./fixtures/activations.json', import.meta.url), 'utf8')) as {
  points: number[];
  weights: number[];
  activations: Record<ActivationName, { value: number[]; gradient: number[] }>;
};
const names = Object.keys(fixture.activations) as ActivationName[];

for (const engine of ['cpu', 'wasm'] as const) {
  describe(`on ${engine}`, () => {
    beforeAll(async () => {
      await useBackend(engine);
    });
    it.each(names)('%s equals PyTorch in value and gradient', (name) => {
      tf.tidy(() => {
        const x = tf.tensor1d(fixture.points);
        const f = activation(name);
        expectClose(f(x), fixture.activations[name].value, 1e-6, 'value');
        const slope = tf.grad((a: tf.Tensor) => tf.sum(tf.mul(f(a), tf.tensor1d(fixture.weights))))(x);
        expectClose(slope, fixture.activations[name].gradient, 1e-5, 'gradient');
      });
    });
    it('GELU(1) is 0.8413447 exactly and 0.8411920 by tanh', () => {
      tf.tidy(() => {
        expectClose(gelu(tf.scalar(1)), 0.8413447, 5e-7);
        expectClose(geluTanh(tf.scalar(1)), 0.841192, 5e-7);
      });
    });
  });
}

describe('any engine', () => {
  beforeAll(async () => {
    await useBackend('cpu');
  });
  const x = [-2.3, -0.7, -0.1, 0.2, 0.9, 3.1]; // Away from 0, where two of them have a kink.

  it.each(names)('%s has the gradient of finite differences', async (name) => {
    const input = tf.tensor(x, [2, 3]);
    await checkGradients(activation(name), [input]);
    input.dispose();
  });
  it.each(names)('%s agrees on cpu and wasm, and leaves nothing behind', async (name) => {
    const step = (): tf.Tensor =>
      tf.grad((a: tf.Tensor) => tf.sum(tf.square(activation(name)(a))))(tf.tensor(x, [2, 3]));
    await compareEngines(step);
    await checkLeaks(() => tf.dispose(tf.tidy(step)));
  });
  it('identity passes its input, and leakyRelu takes a slope', () => {
    tf.tidy(() => {
      const input = tf.tensor1d([-1, 2]);
      expect(activation('identity')(input)).toBe(input);
      expectClose(leakyRelu(input, 0.2), [-0.2, 2]);
    });
  });
  it('names the choices when the name is unknown', () => {
    expect(() => activation('swish' as ActivationName)).toThrow(/"swish" arrived; choose one of identity, relu/);
    expect(() => activation('constructor' as ActivationName)).toThrow(/choose one of/);
  });
});

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { clipByGlobalNorm, clipByNorm, clipByValue, type Gradients } from '../src/clipping.ts';
import { checkLeaks, expectClose } from '../src/testing.ts';

type Values = Record<string, number[]>;
interface Clipped {
  maximum: number;
  gradients: Values;
  norm: number;
}
const { clipping: fixture } = JSON.parse(
  readFileSync(new URL('./fixtures/activations.json', import.meta.url), 'utf8'),
) as { clipping: { shapes: Values; gradients: Values; globalNorm: Clipped[]; norm: Clipped[]; value: Clipped[] } };

const unpacked = (): Gradients =>
  Object.fromEntries(
    Object.entries(fixture.gradients).map(([name, values]) => [name, tf.tensor(values, fixture.shapes[name])]),
  );

function expectGradients(actual: Gradients, expected: Values): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(fixture.shapes[name]);
    expectClose(actual[name] as tf.Tensor, values, 1e-6, name);
  }
}

for (const engine of ['cpu', 'wasm'] as const) {
  describe(`on ${engine}`, () => {
    beforeAll(async () => {
      await useBackend(engine);
    });
    it.each(fixture.globalNorm)('clipByGlobalNorm($maximum) equals clip_grad_norm_', ({ maximum, gradients, norm }) => {
      tf.tidy(() => {
        const clipped = clipByGlobalNorm(unpacked(), maximum);
        expectClose(clipped.norm, norm, 1e-6);
        expectGradients(clipped.gradients, gradients);
      });
    });
    it.each(fixture.norm)('clipByNorm($maximum) clips tensor by tensor', ({ maximum, gradients }) => {
      tf.tidy(() => expectGradients(clipByNorm(unpacked(), maximum), gradients));
    });
    it.each(fixture.value)('clipByValue($maximum) equals clip_grad_value_', ({ maximum, gradients }) => {
      tf.tidy(() => expectGradients(clipByValue(unpacked(), maximum), gradients));
    });
    it('leaves zeros alone and takes an empty record', () => {
      tf.tidy(() => {
        expectClose(clipByGlobalNorm({ a: tf.zeros([3]) }, 1).gradients['a'] as tf.Tensor, [0, 0, 0], 0);
        expectClose(clipByNorm({ a: tf.zeros([3]) }, 1)['a'] as tf.Tensor, [0, 0, 0], 0);
        expectClose(clipByGlobalNorm({}, 1).norm, 0, 0);
      });
    });
    it('leaves no tensor behind', async () => {
      await checkLeaks(() =>
        tf.tidy(() => {
          clipByGlobalNorm(unpacked(), 1);
          clipByNorm(unpacked(), 1);
          clipByValue(unpacked(), 1);
        }),
      );
    });
  });
}

it.each([0, -1, Number.NaN, Infinity])('refuses the limit %s', (limit) => {
  expect(() => clipByValue({}, limit)).toThrow(/clipByValue: the limit .* above 0/);
  expect(() => clipByNorm({}, limit)).toThrow(/clipByNorm: the maximum/);
  expect(() => clipByGlobalNorm({}, limit)).toThrow(/clipByGlobalNorm: the maximum/);
});

/** NT-Xent against NumPy and PyTorch in double precision, to a millionth. */
import { readFileSync } from 'node:fs';
import { compile, tf, useBackend } from '@milestones/backend';
import { checkGradients, checkLeaks } from '@milestones/core/testing';
import { describe, expect, it } from 'vitest';
import { ntXentLoss, uniformLoss } from '../src/index.ts';

const cases = JSON.parse(readFileSync(new URL('./fixtures/nt_xent.json', import.meta.url), 'utf8')) as {
  shape: [number, number];
  temperature: number;
  z: number[];
  loss: number;
  gradient: number[];
}[];

describe.each(['cpu', 'wasm', 'onnx'] as const)('on %s', (engine) => {
  it.each(cases)('$shape views, temperature $temperature', async ({ shape, temperature, z, loss, gradient }) => {
    await useBackend(engine);
    const views = tf.tensor2d(z, shape);
    const step = compile((x: tf.Tensor2D) => {
      const slope = tf.grad((input) => ntXentLoss(input as tf.Tensor2D, temperature))(x);
      return { loss: ntXentLoss(x, temperature), slope };
    });
    const found = await step(views);
    expect(Math.abs(found.loss.dataSync()[0]! - loss)).toBeLessThan(1e-6);
    const largest = Math.max(1, ...gradient.map(Math.abs));
    found.slope.dataSync().forEach((value, index) => {
      expect(Math.abs(value - gradient[index]!) / largest, `gradient ${index}`).toBeLessThan(1e-6);
    });
    tf.dispose([views, found]);
    await step.dispose();
  });
});

describe('NT-Xent', () => {
  it('is ln(2N − 1) where all views are alike: its sum has 2N − 1 terms', async () => {
    await useBackend('cpu');
    for (const [images, expected] of [
      [2, Math.log(3)],
      [64, 4.844187],
      [128, 5.541264],
    ] as const) {
      const loss = tf.tidy(() => ntXentLoss(tf.ones([2 * images, 8]), 0.5).dataSync()[0]!);
      expect(loss).toBeCloseTo(expected, 5);
      expect(uniformLoss(images)).toBeCloseTo(expected, 6);
    }
  });

  it('does not see the length of z, and is lower the more alike partners are', () => {
    const loss = (values: number[][], temperature = 0.5): number =>
      tf.tidy(() => ntXentLoss(tf.tensor2d(values), temperature).dataSync()[0]!);
    const apart = loss([[1, 0], [0, 1], [1, 0.5], [0.5, 1]]); // prettier-ignore
    expect(loss([[9, 0], [0, 0.1], [2, 1], [5, 10]])).toBeCloseTo(apart, 6); // prettier-ignore
    expect(loss([[1, 0], [0, 1], [1, 0], [0, 1]])).toBeLessThan(apart); // prettier-ignore
    // By hand: the partner at cosine 1, two others at 0.
    expect(loss([[1, 0], [0, 1], [1, 0], [0, 1]])).toBeCloseTo(Math.log(1 + 2 * Math.exp(-2)), 6); // prettier-ignore
  });

  it('has the right gradient by finite differences and keeps nothing', async () => {
    const views = tf.tensor2d(cases[0]!.z, cases[0]!.shape);
    await checkGradients((z) => ntXentLoss(z as tf.Tensor2D, 0.5), [views]);
    await checkLeaks(() => tf.tidy(() => void ntXentLoss(views, 0.5)), 10);
    views.dispose();
  });

  it.each([
    [[1, 4], 0.5, 'z of shape [1, 4] arrived'],
    [[2, 4], 0.5, 'two views of each of at least 2 images'],
    [[5, 4], 0.5, 'z of shape [5, 4] arrived'],
    [[4, 4], 0, 'the temperature 0 arrived; give a number above 0'],
    [[4, 4], -0.5, 'the temperature -0.5 arrived'],
    [[4, 4], Number.NaN, 'the temperature NaN arrived'],
  ] as const)('refuses %j with temperature %d', (shape, temperature, message) => {
    expect(() => tf.tidy(() => ntXentLoss(tf.ones([...shape]), temperature))).toThrow(message);
  });

  it('gives NaN for NaN, so that a run can tell', () => {
    const loss = tf.tidy(() => ntXentLoss(tf.fill([4, 2], Number.NaN), 0.5).dataSync()[0]!);
    expect(loss).toBeNaN();
  });
});

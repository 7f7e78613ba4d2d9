import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasKernel, runFused, tf, type FusedOperation } from '@milestones/backend';

/** y = a · x + b, with s = a · x kept for no good reason but to have a second output. */
const AFFINE = {
  kernel: 'TestAffine',
  outputs: ['y', 'scaled'],
  differentiable: ['x', 'a', 'b'],
  gradient: { kernel: 'TestAffineGradient', needs: ['x', 'a', 'scaled', 'labels'] },
} as const satisfies FusedOperation;

type Inputs = Record<string, tf.Tensor>;
let seen: { forward: string[]; backward: string[]; attributes: unknown };

function register(): void {
  const backendName = 'cpu';
  tf.registerKernel({
    kernelName: AFFINE.kernel,
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      const { x, a, b } = inputs as Inputs;
      seen.forward = Object.keys(inputs);
      seen.attributes = attrs;
      const scaled = tf.mul(a!, x!);
      return [b === undefined ? tf.clone(scaled) : tf.add(scaled, b), scaled];
    },
  });
  tf.registerKernel({
    kernelName: AFFINE.gradient.kernel,
    backendName,
    kernelFunc: ({ inputs }) => {
      const { dy, x, a } = inputs as Inputs;
      seen.backward = Object.keys(inputs);
      return [tf.mul(dy!, a!), tf.sum(tf.mul(dy!, x!)), tf.sum(dy!)];
    },
  });
}

const composed = (x: tf.Tensor, a: tf.Tensor, b?: tf.Tensor): tf.Tensor =>
  b === undefined ? tf.mul(a, x) : tf.add(tf.mul(a, x), b);

const affine = (x: tf.Tensor, a: tf.Tensor, b?: tf.Tensor): tf.Tensor =>
  runFused(AFFINE, { x, a, b, labels: tf.tensor1d([1], 'int32') }, { power: 1 }, () => composed(x, a, b));

describe('runFused', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  afterEach(() => {
    for (const name of [AFFINE.kernel, AFFINE.gradient.kernel]) {
      if (tf.getKernel(name, 'cpu') !== undefined) tf.unregisterKernel(name, 'cpu');
    }
  });

  it('runs the composed form where the engine has no such kernel', () => {
    expect(hasKernel(AFFINE.kernel)).toBe(false);
    const y = tf.tidy(() => affine(tf.tensor1d([1, 2]), tf.scalar(3), tf.scalar(1)));
    expect(Array.from(y.dataSync())).toEqual([4, 7]);
    y.dispose();
  });

  it('gives the value and all gradients of the kernels, and frees what it made', () => {
    register();
    seen = { forward: [], backward: [], attributes: undefined };
    const [x, a, b] = [tf.tensor1d([1, 2]), tf.variable(tf.scalar(3)), tf.scalar(1)];
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => tf.sum(affine(args[0]!, args[1]!, args[2])))([
        x,
        a,
        b,
      ]);
      expect(value.dataSync()[0]).toBe(11);
      expect(grads.map((gradient) => Array.from(gradient.dataSync()))).toEqual([[3, 3], [3], [2]]);
    });
    expect(seen.backward).toEqual(['dy', 'x', 'a', 'scaled', 'labels']);
    expect(seen.attributes).toEqual({ power: 1 });
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([x, a, b]);
  });

  it('leaves out an optional input and its gradient', () => {
    register();
    seen = { forward: [], backward: [], attributes: undefined };
    const a = tf.variable(tf.scalar(3));
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => tf.sum(affine(tf.tensor1d([1, 2]), a)) as tf.Scalar, [a]);
      expect(grads[a.name]!.dataSync()[0]).toBe(3);
    });
    expect(seen.forward).toEqual(['x', 'a', 'labels']);
    a.dispose();
  });
});

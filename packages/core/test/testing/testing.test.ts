/** The checks themselves: each must pass what is right and catch what is wrong. */
import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { Dense } from '../../src/layers/dense.ts';
import { Embedding } from '../../src/layers/embedding.ts';
import { Dropout } from '../../src/layers/dropout.ts';
import { Module } from '../../src/module.ts';
import { Random } from '../../src/random/random.ts';
import { RandomKey } from '../../src/random/random-key.ts';
import {
  checkGradients,
  checkLayer,
  checkLeaks,
  compareEngines,
  expectClose,
  unpack,
  withEngine,
} from '../../src/testing.ts';
import { withGradient } from '../../src/with-gradient.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const input = (...shape: number[]): tf.Tensor => {
  const random = new Random(7);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform() * 2 - 1),
    shape,
  );
};

describe('expectClose', () => {
  it('accepts what is within the tolerance', () => {
    expectClose([1, 2000], [1.000009, 2000.01]);
    expectClose(tf.scalar(3), 3);
    expectClose([Infinity], [Infinity]);
  });
  it('names the worst value', () => {
    expect(() => expectClose([1, 2, 3], [1, 2.1, 4], 1e-5, 'y')).toThrow(
      /y differs in 2 of 3 .* flat index 2, is 3 and should be 4/,
    );
  });
  it('refuses NaN, another shape and another length', () => {
    expect(() => expectClose([NaN], [1])).toThrow(/NaN/);
    expect(() => expectClose([1], [NaN])).toThrow(/NaN/);
    expect(() => expectClose(tf.ones([2, 1]), tf.ones([2]))).toThrow(/\[2, 1\] and should have \[2\]/);
    expect(() => expectClose([1], [1, 2])).toThrow(/1 values and should have 2/);
  });
});

describe('checkGradients', () => {
  it('passes a right gradient', async () => {
    const x = input(3, 4);
    await checkGradients((a) => tf.softmax(tf.mul(tf.tanh(a), tf.exp(a))), [x]);
    x.dispose();
  });
  it('catches a gradient that is wrong by one percent', async () => {
    const x = input(5);
    const wrong = (a: tf.Tensor): tf.Tensor =>
      withGradient<[tf.Tensor]>(
        a,
        (b) => ({ value: tf.exp(b), saved: [b] }),
        (dy, [b]) => tf.mul(dy, tf.mul(tf.exp(b), 1.01)),
      );
    await expect(checkGradients(wrong, [x])).rejects.toThrow(/gradient by input 0, flat index \d/);
    x.dispose();
  });
  it('catches a gradient that does not arrive', async () => {
    const x = input(5);
    await expect(
      checkGradients((a) => withGradient<[]>(a, (b) => ({ value: tf.exp(b), saved: [] }), tf.zerosLike), [x]),
    ).rejects.toThrow(/is 0 and finite differences give/);
    x.dispose();
  });
  it('checks parameters, puts their values back, and leaves nothing behind', async () => {
    const layer = new Dense(3, 2).initialize(4);
    const x = input(2, 3);
    const before = tf.memory().numTensors;
    const weights = Array.from(layer.weight.value.dataSync());
    await checkGradients((a) => tf.square(layer.forward(a)), [x], { parameters: layer.trainableParameters() });
    expect(Array.from(layer.weight.value.dataSync())).toEqual(weights);
    expect(tf.memory().numTensors).toBe(before);
    layer.dispose();
    x.dispose();
  });
});

describe('checkLeaks', () => {
  it('passes a step that frees what it makes', async () => {
    await checkLeaks(() => tf.tidy(() => tf.ones([2])).dispose());
  });
  it('counts what a step leaves', async () => {
    const kept: tf.Tensor[] = [];
    await expect(checkLeaks(() => kept.push(tf.ones([2])), 10)).rejects.toThrow(
      /10 tensors more .* 10 steps \(1\.00 a step\)/,
    );
    tf.dispose(kept);
  });
});

describe('compareEngines', () => {
  it('passes what agrees and returns to the engine before', async () => {
    await compareEngines(() => tf.exp(tf.tensor([0.1, 0.2])));
    expect(tf.getBackend()).toBe('cpu');
  });
  it('catches what differs', async () => {
    await expect(compareEngines(() => ({ y: tf.scalar(tf.getBackend() === 'wasm' ? 1 : 2) }))).rejects.toThrow(
      /y on wasm \(against cpu\)/,
    );
    expect(tf.getBackend()).toBe('cpu');
  });
  it('returns to the engine before when the work throws', async () => {
    await expect(withEngine('wasm', () => Promise.reject(new Error('stop')))).rejects.toThrow('stop');
    expect(tf.getBackend()).toBe('cpu');
  });
});

/** y = x · w with a choice of faults. */
class Faulty extends Module {
  readonly inner = new Dense(2, 2, { bias: false });
  readonly fault: string;
  calls = 0;
  constructor(fault: string) {
    super();
    this.fault = fault;
  }
  forward(x: tf.Tensor): tf.Tensor {
    if (this.fault === 'leak') tf.keep(tf.scalar(1));
    const y = this.inner.forward(x);
    if (this.fault === 'mode' && this.training) return tf.mul(y, 2);
    if (this.fault === 'engine' && tf.getBackend() === 'wasm') return tf.mul(y, 2);
    if (this.fault === 'hidden state') this.calls += 1;
    return tf.add(y, this.calls * 1e-6);
  }
}

describe('checkLayer', () => {
  const fixture = {
    parameters: { 'inner.weight': { shape: [2, 2], values: [1, 2, 3, 4] } },
    inputs: [{ shape: [1, 2], values: [1, 10] }],
    output: { shape: [1, 2], values: [31, 42] },
    gradients: {
      inputs: [{ shape: [1, 2], values: [3, 7] }],
      parameters: { 'inner.weight': { shape: [2, 2], values: [1, 1, 10, 10] } },
    },
  };
  const check = (fault: string, changed: object = {}): Promise<void> =>
    checkLayer({
      make: () => new Faulty(fault),
      forward: (layer, x) => layer.forward(x),
      fixture: { ...fixture, ...changed },
    });

  it('passes a right layer and leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    await check('none');
    expect(tf.memory().numTensors).toBe(before);
  });
  it('passes dropout, with inputs of its own and a mode that matters', async () => {
    const x = input(20, 5);
    const key = new RandomKey(tf.tensor1d([1, 2], 'int32'));
    await checkLayer({
      make: () => new Dropout(0.5),
      forward: (layer, a) => layer.forward(a, key),
      inputs: [x],
      mode: 'train',
      dependsOnMode: true,
    });
    x.dispose();
  });
  it('passes an embedding, whose input is whole numbers', async () => {
    const ids = tf.tensor2d([0, 2, 2, 1], [2, 2], 'int32');
    await checkLayer({
      make: () => new Embedding(3, 4),
      forward: (layer, x) => tf.mul(layer.forward(x), tf.cast(tf.notEqual(tf.expandDims(x, -1), 0), 'float32')),
      inputs: [ids],
    });
    ids.dispose();
  });
  it('catches wrong values and gradients', async () => {
    await expect(check('none', { output: { shape: [1, 2], values: [31, 43] } })).rejects.toThrow(/the output differs/);
    await expect(
      check('none', { gradients: { parameters: { 'inner.weight': { shape: [2, 2], values: [1, 1, 10, 11] } } } }),
    ).rejects.toThrow(/gradient by inner.weight differs/);
  });
  it.each([
    ['mode', /training and evaluation mode give different outputs/],
    ['hidden state', /state-dict round trip|finite differences|different outputs/],
    ['leak', /checkLeaks: \d+ tensors more/],
    ['engine', /on wasm \(against cpu\)/],
  ])('catches the fault "%s"', async (fault, message) => {
    await expect(check(fault)).rejects.toThrow(message);
  });
  it('unpack makes whole numbers too', () => {
    const labels = unpack({ dtype: 'int32', shape: [2], values: [1, 2] });
    expect(labels.dtype).toBe('int32');
    labels.dispose();
  });
});

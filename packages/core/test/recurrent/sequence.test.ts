/** The operations over whole sequences against the same formulas, step by step, which tfjs differentiates. */
import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { gruSequence, lstmSequence, Random } from '../../src/index.ts';
import { expectClose } from '../../src/testing.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const [T, B, I, H] = [3, 2, 4, 5];
const random = new Random(6);
const tensor = (...shape: number[]): tf.Tensor =>
  tf.tensor(random.normalArray(shape.reduce((product, size) => product * size, 1)), shape);
const lengths = tf.tensor2d([1, 1, 1, 1, 0, 0].map(Number), [T, B]); // row 0: 2 steps, row 1: 1 step and a gap
const x = tensor(T, B, I);

/** Step t of [T, …]. */
const at = (all: tf.Tensor, t: number): tf.Tensor => tf.squeeze(tf.slice(all, t, 1), [0]);
const product = (left: tf.Tensor, right: tf.Tensor): tf.Tensor => tf.matMul(left as tf.Tensor2D, right as tf.Tensor2D);
/** m · next + (1 − m) · before. */
const carried = (mask: tf.Tensor | undefined, t: number, next: tf.Tensor, before: tf.Tensor): tf.Tensor => {
  if (mask === undefined) return next;
  const now = tf.expandDims(at(mask, t), 1);
  return tf.add(tf.mul(now, next), tf.mul(tf.sub(1, now), before));
};
const shown = (mask: tf.Tensor | undefined, t: number, output: tf.Tensor): tf.Tensor =>
  mask === undefined ? output : tf.mul(output, tf.expandDims(at(mask, t), 1));

type Run = (...inputs: tf.Tensor[]) => tf.Tensor[];

const lstmComposed =
  (mask?: tf.Tensor): Run =>
  (sequence, input, recurrent, bias, h = tf.zeros([B, H]), c = tf.zeros([B, H])) => {
    let [output, cell] = [h, c];
    const outputs = Array.from({ length: T }, (_, t) => {
      const gates = tf.add(tf.add(product(at(sequence!, t), input!), product(output, recurrent!)), bias!);
      const [i, f, g, o] = tf.split(gates, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const next = tf.add(tf.mul(tf.sigmoid(f), cell), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      output = carried(mask, t, tf.mul(tf.sigmoid(o), tf.tanh(next)), output);
      cell = carried(mask, t, next, cell);
      return shown(mask, t, output);
    });
    return [tf.stack(outputs), output, cell];
  };

const lstmFused =
  (mask?: tf.Tensor): Run =>
  (sequence, input, recurrent, bias, output, cell) => {
    const state = output === undefined ? undefined : { output, cell: cell! };
    const weights = { input: input!, recurrent: recurrent!, bias: bias! };
    const found = lstmSequence(sequence!, weights, { state, mask });
    return [found.outputs, found.state.output, found.state.cell];
  };

const gruComposed =
  (mask?: tf.Tensor): Run =>
  (sequence, input, recurrent, inputBias, recurrentBias, h = tf.zeros([B, H])) => {
    let output = h;
    const outputs = Array.from({ length: T }, (_, t) => {
      const own = tf.split(tf.add(product(at(sequence!, t), input!), inputBias!), 3, 1);
      const other = tf.split(tf.add(product(output, recurrent!), recurrentBias!), 3, 1);
      const reset = tf.sigmoid(tf.add(own[0]!, other[0]!));
      const keep = tf.sigmoid(tf.add(own[1]!, other[1]!));
      const candidate = tf.tanh(tf.add(own[2]!, tf.mul(reset, other[2]!)));
      const next = tf.add(tf.mul(tf.sub(1, keep), candidate), tf.mul(keep, output));
      output = carried(mask, t, next, output);
      return shown(mask, t, output);
    });
    return [tf.stack(outputs), output];
  };

const gruFused =
  (mask?: tf.Tensor): Run =>
  (sequence, input, recurrent, inputBias, recurrentBias, state) => {
    const weights = { input: input!, recurrent: recurrent!, inputBias: inputBias!, recurrentBias: recurrentBias! };
    const found = gruSequence(sequence!, weights, { state, mask });
    return [found.outputs, found.state];
  };

/** Values and gradients of both, with every result in the sum that is differentiated, or with one of them only. */
function expectAgreement(fused: Run, composed: Run, inputs: tf.Tensor[], only?: number): void {
  tf.tidy(() => {
    const results = composed(...inputs);
    const weights = results.map(({ shape }) => tensor(...shape));
    const differentiate = (run: Run): tf.Tensor[] => {
      const used = (...given: tf.Tensor[]): tf.Tensor =>
        tf.addN(
          run(...given).flatMap((result, index) =>
            only === undefined || only === index ? [tf.sum(tf.mul(result, weights[index]!))] : [],
          ),
        );
      return tf.grads(used)(inputs);
    };
    fused(...inputs).forEach((result, index) => expectClose(result, results[index]!, 1e-6, `result ${index}`));
    const expected = differentiate(composed);
    differentiate(fused).forEach((gradient, index) => {
      expectClose(gradient, expected[index]!, 5e-6, `the gradient by input ${index}`);
    });
  });
}

describe('lstmSequence', () => {
  const weights = [tensor(I, 4 * H), tensor(H, 4 * H), tensor(4 * H)];
  const state = [tensor(B, H), tensor(B, H)];

  it.each([undefined, 0, 1, 2])('agrees with its composed form (result %s)', (only) => {
    expectAgreement(lstmFused(), lstmComposed(), [x, ...weights, ...state], only);
    expectAgreement(lstmFused(), lstmComposed(), [x, ...weights], only);
    expectAgreement(lstmFused(lengths), lstmComposed(lengths), [x, ...weights, ...state], only);
    expectAgreement(lstmFused(lengths), lstmComposed(lengths), [x, ...weights], only);
  });

  it('runs a single step', () => {
    const found = lstmSequence(tf.slice(x, 0, 1), { input: weights[0]!, recurrent: weights[1]!, bias: weights[2]! });
    expect(found.outputs.shape).toEqual([1, B, H]);
    expectClose(tf.squeeze(found.outputs, [0]), found.state.output, 0);
  });

  it('names what does not fit', () => {
    const [input, recurrent, bias] = weights as [tf.Tensor, tf.Tensor, tf.Tensor];
    expect(() => lstmSequence(x, { input: recurrent, recurrent, bias })).toThrow(
      'lstmSequence: input weights of shape [5, 20] arrived; with x of shape [3, 2, 4] and 5 hidden features give [4, 20].',
    );
    expect(() => lstmSequence(x, { input, recurrent, bias: input })).toThrow(
      'a bias of shape [4, 20] arrived; give [20]',
    );
    expect(() => lstmSequence(x, { input, recurrent, bias }, { state: { output: bias, cell: bias } })).toThrow(
      'output of shape [20] arrived',
    );
    expect(() => lstmSequence(at(x, 0), { input, recurrent, bias })).toThrow('x of shape [2, 4] arrived');
  });
});

describe('gruSequence', () => {
  const weights = [tensor(I, 3 * H), tensor(H, 3 * H), tensor(3 * H), tensor(3 * H)];

  it.each([undefined, 0, 1])('agrees with its composed form (result %s)', (only) => {
    expectAgreement(gruFused(), gruComposed(), [x, ...weights, tensor(B, H)], only);
    expectAgreement(gruFused(), gruComposed(), [x, ...weights], only);
    expectAgreement(gruFused(lengths), gruComposed(lengths), [x, ...weights, tensor(B, H)], only);
  });

  it('names what does not fit', () => {
    const [input, recurrent, inputBias] = weights as [tf.Tensor, tf.Tensor, tf.Tensor];
    const recurrentBias = tf.zeros([2 * H]);
    expect(() => gruSequence(x, { input, recurrent, inputBias, recurrentBias })).toThrow(
      'a bias of shape [10] arrived',
    );
    expect(() => gruSequence(x, { input, recurrent, inputBias, recurrentBias: inputBias }, { state: input })).toThrow(
      'state of shape [4, 15] arrived',
    );
  });
});

import { readFileSync } from 'node:fs';
import { compile, tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { Gru, lengthMask, Lstm, Random, RandomKey, valueAndGradients, type LstmState } from '../../src/index.ts';
import { checkLayer, expectClose, withEngine, type LayerFixture } from '../../src/testing.ts';

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/recurrent.json', import.meta.url), 'utf8')) as Record<
  string,
  LayerFixture
>;

beforeAll(async () => {
  await useBackend('cpu');
});

const sizes = { features: 3, hidden: 2 };
const finiteDifferences = { samples: 6 }; // of each of up to 19 tensors
/** Each layer's part of [layers, B, H]. */
const parts = (states: tf.Tensor): tf.Tensor[] =>
  Array.from({ length: states.shape[0]! }, (_, index) => tf.squeeze(tf.slice(states, index, 1), [0]));
const flat = (tensors: tf.Tensor[]): tf.Tensor => tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1])));
const masked = (lengths: tf.Tensor | undefined, x: tf.Tensor): { mask?: tf.Tensor } =>
  lengths === undefined ? {} : { mask: lengthMask(lengths, x.shape[1]!) };

function runLstm(layer: Lstm, ...inputs: tf.Tensor[]): tf.Tensor {
  const [x, output, cell, lengths] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor | undefined];
  const cells = parts(cell);
  const start = parts(output).map((each, index): LstmState => ({ output: each, cell: cells[index]! }));
  const { outputs, states } = layer.forward(x, { states: start, ...masked(lengths, x) });
  return flat([outputs, ...states.map((state) => state.output), ...states.map((state) => state.cell)]);
}

function runGru(layer: Gru, ...inputs: tf.Tensor[]): tf.Tensor {
  const [x, start, lengths] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor | undefined];
  const { outputs, states } = layer.forward(x, { states: parts(start), ...masked(lengths, x) });
  return flat([outputs, ...states]);
}

describe('recurrent layers against PyTorch, finite differences, and each other on all engines', () => {
  it.each([
    ['lstm', { ...sizes }],
    ['lstmTwoBiases', { ...sizes, layers: 2, biases: 2 }],
    ['lstmBidirectionalWithLengths', { ...sizes, layers: 2, biases: 2, bidirectional: true }],
  ] as const)('%s', (name, options) =>
    checkLayer({ make: () => new Lstm(options), forward: runLstm, fixture: fixtures[name]!, finiteDifferences }),
  );

  it.each([
    ['gru', { ...sizes, layers: 2 }],
    ['gruBidirectionalWithLengths', { ...sizes, bidirectional: true }],
  ] as const)('%s', (name, options) =>
    checkLayer({ make: () => new Gru(options), forward: runGru, fixture: fixtures[name]!, finiteDifferences }),
  );
});

describe('Lstm', () => {
  const x = tf.tensor3d(new Random(4).normalArray(2 * 4 * 3), [2, 4, 3]);

  it('counts its weights', () => {
    expect(new Lstm({ features: 256, hidden: 512, layers: 2 }).parameterCount()).toBe(
      4 * 512 * (256 + 512 + 1) + 4 * 512 * (512 + 512 + 1),
    );
    expect(new Lstm({ ...sizes, biases: 2 }).parameterCount()).toBe(4 * 2 * (3 + 2 + 2));
    expect([...new Lstm({ ...sizes, bidirectional: true }).namedParameters().keys()]).toEqual([
      'ahead.0.input',
      'ahead.0.recurrent',
      'ahead.0.bias',
      'back.0.input',
      'back.0.recurrent',
      'back.0.bias',
    ]);
  });

  it('takes time first', () => {
    const batchFirst = new Lstm(sizes).initialize(1);
    const timeFirst = new Lstm({ ...sizes, timeMajor: true }).initialize(1);
    const { outputs } = timeFirst.forward(tf.transpose(x, [1, 0, 2]));
    expectClose(tf.transpose(outputs, [1, 0, 2]), Array.from(batchFirst.forward(x).outputs.dataSync()), 0);
  });

  it('goes on where it stopped', () => {
    const layer = new Lstm({ ...sizes, layers: 2 }).initialize(1);
    const whole = layer.forward(x).outputs;
    const [head, tail] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
    const { outputs, states } = layer.forward(head);
    const rest = layer.forward(tail, { states });
    expectClose(tf.concat([outputs, rest.outputs], 1), Array.from(whole.dataSync()), 1e-6);
  });

  it('drops between layers only, and in training mode only', () => {
    const key = new RandomKey(tf.tensor1d([1, 2], 'int32'));
    const one = new Lstm({ ...sizes, dropout: 0.5 }).initialize(1).train();
    expectClose(one.forward(x, { key }).outputs, Array.from(one.eval().forward(x).outputs.dataSync()), 0);
    const two = new Lstm({ ...sizes, layers: 2, dropout: 0.5 }).initialize(1).train();
    const trained = two.forward(x, { key });
    const evaluated = two.eval().forward(x);
    // The first layer sees none of it: not even through its own recurrence.
    expectClose(trained.states[0]!.output, Array.from(evaluated.states[0]!.output.dataSync()), 0);
    expect(trained.outputs.dataSync()).not.toEqual(evaluated.outputs.dataSync());
    expect(() => two.train().forward(x)).toThrow('got no random key');
  });

  it('names what does not fit', () => {
    const layer = new Lstm(sizes).initialize(1);
    expect(() => layer.forward(tf.zeros([2, 4, 5]))).toThrow(
      'Lstm: input of shape [2, 4, 5] arrived for a layer of 3 input features; give [B, T, 3].',
    );
    expect(() => layer.forward(x, { states: [] })).toThrow('Lstm: 0 states arrived; give 1');
    expect(() => layer.forward(x, { mask: tf.ones([2, 3]) })).toThrow('a mask of shape [3, 2] arrived');
    expect(() => layer.forward(tf.zeros([2, 0, 3]))).toThrow('with at least one step');
    expect(() => new Lstm({ ...sizes, layers: 0 })).toThrow('Lstm: layers is 0; give a whole number from 1 on.');
    expect(() => new Gru({ ...sizes, hidden: 1.5 })).toThrow('Gru: hidden is 1.5; give a whole number from 1 on.');
  });
});

describe('recurrent layers in a compiled step', () => {
  // Sizes for which the engine has a form of its own, and sizes for which it has not.
  it.each([16, 6])('agree with the eager ones, %d wide', async (hidden) => {
    const random = new Random(9);
    const lengths = Int32Array.from({ length: 9 }, () => 1 + random.integer(4));
    const values = random.normalArray(9 * 4 * hidden);
    const run = async (): Promise<Record<string, number[]>> => {
      const lstm = new Lstm({ features: hidden, hidden, layers: 2 }).initialize(1);
      const gru = new Gru({ features: hidden, hidden, bidirectional: true }).initialize(2);
      const input = tf.tensor3d(values, [9, 4, hidden]);
      const counts = tf.tensor1d(lengths, 'int32');
      const parameters = new Map([...lstm.trainableParameters(), ['gru', gru.ahead[0]!.recurrent] as const]);
      const step = compile((x: tf.Tensor, steps: tf.Tensor) => {
        const { value, gradients } = valueAndGradients(() => {
          const first = lstm.forward(x);
          const second = gru.forward(first.outputs, { mask: lengthMask(steps, 4) });
          return tf.add(tf.sum(tf.square(second.outputs)), tf.sum(tf.mul(first.states[1]!.cell, 0.3)));
        }, parameters);
        return { value, ...gradients };
      });
      const result = await step(input, counts);
      const found = Object.fromEntries(
        Object.entries(result).map(([name, tensor]) => [name, Array.from(tensor!.dataSync())]),
      );
      tf.dispose(result);
      await step.dispose();
      lstm.dispose();
      gru.dispose();
      tf.dispose([input, counts]);
      return found;
    };
    const eager = await withEngine('cpu', run);
    const compiled = await withEngine('onnx', run);
    for (const [name, expected] of Object.entries(eager)) expectClose(compiled[name]!, expected, 1e-5, name);
  });
});

import { tf, useBackend } from '@milestones/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { Dense, Module, normal, Parameter, ones, valueAndGradients, zeros } from '../src/index.ts';

class Tied extends Module {
  readonly first = new Dense(3, 4);
  readonly layers = [new Dense(4, 4, { bias: false }), new Dense(4, 4, { bias: false })];
  readonly again = this.layers[0]!.weight;
  readonly runningMean = new Parameter([4], zeros(), { trainable: false });
}

beforeAll(async () => {
  await useBackend('cpu');
});

describe('Module', () => {
  it('names parameters by the path of properties, shared ones once', () => {
    expect([...new Tied().namedParameters().keys()]).toEqual([
      'first.weight',
      'first.bias',
      'layers.0.weight',
      'layers.1.weight',
      'runningMean',
    ]);
  });

  it('counts trainable weights without allocating any', () => {
    const before = tf.memory().numTensors;
    expect(new Tied().parameterCount()).toBe(3 * 4 + 4 + 16 + 16);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives the same weights for the same seed, whatever else the model holds', () => {
    class Longer extends Module {
      readonly extra = new Dense(2, 2);
      readonly first = new Dense(3, 4);
    }
    const weights = (model: Module): unknown => Array.from(model.initialize(7).stateDict()['first.weight']!.dataSync());
    expect(weights(new Tied())).toEqual(weights(new Longer()));
    expect(new Tied().initialize(8).stateDict()['first.weight']!.dataSync()).not.toEqual(weights(new Tied()));
  });

  it('passes the mode to all below', () => {
    const model = new Tied();
    expect(model.layers[1]!.training).toBe(true);
    expect(model.eval().layers[1]!.training).toBe(false);
    expect(model.train().first.training).toBe(true);
  });

  it('reads no weight before it has one', () => {
    expect(() => new Dense(2, 2).forward(tf.zeros([1, 2]))).toThrow(
      'call model.initialize(seed) or model.loadStateDict',
    );
  });

  it('copies a state and keeps no tie to it', () => {
    const source = new Tied().initialize(1);
    const target = new Tied().initialize(2);
    target.loadStateDict(source.stateDict());
    source.first.weight.assign(tf.zeros([3, 4]));
    expect(target.first.weight.value.dataSync()).toEqual(new Tied().initialize(1).first.weight.value.dataSync());
  });

  it('loads into a model that was never initialized', () => {
    const target = new Tied();
    target.loadStateDict(new Tied().initialize(1).stateDict());
    expect(target.layers[1]!.weight.initialized).toBe(true);
  });

  it('names everything that does not fit, and loads nothing then', () => {
    const model = new Tied().initialize(1);
    const before = model.first.bias!.value.dataSync();
    const { 'layers.1.weight': _left, ...state } = model.stateDict() as Record<string, tf.Tensor>;
    state['first.weight'] = tf.zeros([4, 3]);
    state['first.bias'] = tf.ones([4]);
    state['head.weight'] = tf.zeros([1]);
    expect(() => model.loadStateDict(state)).toThrow(
      'loadStateDict: the weights do not fit this model (missing: layers.1.weight; unexpected: head.weight; ' +
        'of another shape: first.weight is [4, 3] and should be [3, 4]); nothing was loaded.',
    );
    expect(model.first.bias!.value.dataSync()).toEqual(before);
  });

  it('loads what fits when asked not to be strict', () => {
    const model = new Tied().initialize(1);
    model.loadStateDict({ 'first.bias': tf.ones([4]), other: tf.zeros([1]) }, { strict: false });
    expect(Array.from(model.first.bias!.value.dataSync())).toEqual([1, 1, 1, 1]);
  });

  it('frees everything', () => {
    const before = tf.memory().numTensors;
    const model = new Tied().initialize(1);
    expect(tf.memory().numTensors).toBe(before + 5);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('Parameter', () => {
  it.each([[0], [2.5], [-1]])('refuses a size of %d', (size) => {
    expect(() => new Parameter([3, size], ones())).toThrow(`has the size ${size}; every size is a whole number`);
  });

  it('refuses values of another shape', () => {
    expect(() => new Parameter([3], ones()).assign(tf.zeros([4]))).toThrow(
      'values of shape [4] arrived for a weight of shape [3]',
    );
  });
});

describe('valueAndGradients', () => {
  it('gives a gradient for every parameter, zeros where the loss does not reach', () => {
    const model = new Tied().initialize(1);
    const { value, gradients } = valueAndGradients(
      () => tf.sum(tf.mul(model.first.bias!.value, 3)),
      model.trainableParameters(),
    );
    expect(value.shape).toEqual([]);
    expect(Array.from(gradients['first.bias']!.dataSync())).toEqual([3, 3, 3, 3]);
    expect(Array.from(gradients['layers.1.weight']!.dataSync())).toEqual(Array(16).fill(0));
    expect(gradients['runningMean']).toBeUndefined();
  });

  it('leaks nothing but its results', () => {
    const model = new Dense(3, 2, { weightInitializer: normal(1) }).initialize(1);
    const x = tf.ones([4, 3]);
    const before = tf.memory().numTensors;
    const { value, gradients } = valueAndGradients(() => tf.mean(model.forward(x)), model.trainableParameters());
    tf.dispose([value, gradients]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

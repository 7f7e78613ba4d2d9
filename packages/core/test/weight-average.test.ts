import { beforeAll, describe, expect, it } from 'vitest';
import { tf, useBackend } from '@milestones/backend';
import { BatchNorm, Dense, Module, SGD, valueAndGradients, WeightAverage } from '../src/index.ts';
import { checkLeaks, expectClose } from '../src/testing.ts';

class Model extends Module {
  readonly dense = new Dense(2, 3);
  readonly norm = new BatchNorm({ features: 3 });
}

const fill = (model: Module, value: number): void => {
  for (const parameter of model.namedParameters().values())
    tf.tidy(() => parameter.assign(tf.fill([...parameter.shape], value)));
};
const weights = (model: Model): number[] => Array.from(model.dense.weight.value.dataSync());
const six = (value: number): number[] => Array.from({ length: 6 }, () => value);

beforeAll(async () => {
  await useBackend('cpu');
});

describe('WeightAverage', () => {
  it('is exponential with a decay', () => {
    const model = new Model().initialize(1);
    fill(model, 1);
    const average = new WeightAverage({ decay: 0.9 }).initialize(model.namedParameters());
    for (const value of [2, 4]) {
      fill(model, value);
      average.update(model.namedParameters());
    }
    average.swapIn(model.namedParameters());
    expectClose(weights(model), six(0.9 * (0.9 * 1 + 0.1 * 2) + 0.1 * 4), 1e-6);
    expectClose(model.norm.runningMean.value, [1.39, 1.39, 1.39], 1e-6);
    average.swapOut();
    expectClose(weights(model), six(4), 0);
    average.dispose();
    model.dispose();
  });

  it('is the mean of all updates without one, whatever was there before', () => {
    const model = new Model().initialize(1);
    const parameters = model.trainableParameters();
    const average = new WeightAverage().initialize(parameters);
    for (const value of [3, 5, 10]) {
      fill(model, value);
      average.update(parameters);
    }
    average.swapIn(parameters);
    expectClose(weights(model), six(6), 1e-6);
    // Buffers were not among the parameters.
    expectClose(model.norm.runningMean.value, [10, 10, 10], 0);
    average.dispose();
    model.dispose();
  });

  it('continues from a saved state', () => {
    const model = new Model().initialize(1);
    const parameters = model.namedParameters();
    const [first, second] = [new WeightAverage(), new WeightAverage()];
    first.initialize(parameters);
    for (const value of [3, 5]) {
      fill(model, value);
      first.update(parameters);
    }
    second.initialize(parameters).loadStateDict(first.stateDict());
    fill(model, 10);
    second.update(parameters);
    expect(Object.keys(second.stateDict()).slice(0, 2)).toEqual(['average.count', 'average.value.dense.weight']);
    expectClose(second.stateDict()['average.value.dense.weight']!, six(6), 1e-6);
    // The first one's state did not move with the second's.
    expectClose(first.stateDict()['average.value.dense.weight']!, six(4), 1e-6);
    for (const each of [first, second, model]) each.dispose();
  });

  it('does not disturb training, and leaves nothing behind', async () => {
    const model = new Model().initialize(1);
    const parameters = model.dense.trainableParameters();
    const optimizer = new SGD({}).initialize(parameters);
    const average = new WeightAverage({ decay: 1 }).initialize(parameters);
    const before = weights(model);
    await checkLeaks(() => {
      tf.tidy(() => {
        const { gradients } = valueAndGradients(
          () => tf.sum(model.dense.forward(tf.ones([1, 2]))) as tf.Scalar,
          parameters,
        );
        optimizer.update(parameters, gradients, 0.1);
        average.update(parameters);
      });
      average.swapIn(parameters);
      average.swapOut();
    }, 10);
    expect(weights(model)).not.toEqual(before);
    average.swapIn(parameters);
    expect(weights(model)).toEqual(before);
    for (const each of [average, optimizer, model]) each.dispose();
  });

  it('says what it is missing', () => {
    const model = new Model().initialize(1);
    const average = new WeightAverage();
    expect(() => average.update(model.namedParameters())).toThrow('update came before initialize');
    average.initialize(model.dense.namedParameters());
    expect(() => average.update(model.namedParameters())).toThrow('no average for the parameter dense.weight');
    expect(() => average.swapIn(model.namedParameters())).toThrow('no average for the parameter dense.weight');
    expect(() => average.swapOut()).toThrow('call swapIn first.');
    average.swapIn(model.dense.namedParameters());
    expect(() => average.swapIn(model.dense.namedParameters())).toThrow('call swapOut first.');
    expect(() => average.update(model.dense.namedParameters())).toThrow('call swapOut before update.');
    expect(() => average.stateDict()).toThrow('call swapOut before stateDict.');
    average.swapOut();
    expect(() => average.loadStateDict({ 'average.count': tf.scalar(1) })).toThrow(
      'the saved state does not fit: average.value.weight, average.value.bias (missing, unexpected or of another shape)',
    );
    expect(() => new WeightAverage({ decay: 1.5 })).toThrow('WeightAverage: the decay 1.5 arrived');
    average.dispose();
    model.dispose();
  });
});

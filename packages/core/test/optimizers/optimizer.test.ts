/** What all optimizers share: names, strict loading, errors, tensors freed, state kept. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, tf, useBackend } from '@milestones/backend';
import * as optimizers from '../../src/optimizers/index.ts';
import { Parameter } from '../../src/parameter.ts';
import { checkLeaks, compareEngines, expectClose } from '../../src/testing.ts';
import { valueAndGradients } from '../../src/gradients.ts';

const { SGD, Adagrad, RMSProp, Adadelta, Adam, AdamW, AdaMax, decayMatrices } = optimizers;

beforeAll(async () => {
  await useBackend('cpu');
});

const OPTIMIZERS: Record<string, () => optimizers.Optimizer> = {
  sgd: () => new SGD(),
  'sgd with momentum': () => new SGD({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adagrad: () => new Adagrad({ learningRateDecay: 0.1 }),
  rmsprop: () => new RMSProp({ centred: true, momentum: 0.9, weightDecay: 0.01 }),
  adadelta: () => new Adadelta(),
  adam: () => new Adam({ weightDecay: 0.01 }),
  'adam, uncorrected': () => new Adam({ biasCorrection: false }),
  adamw: () => new AdamW({ decay: decayMatrices }),
  adamax: () => new AdaMax(),
};
const NAMES = Object.keys(OPTIMIZERS);

function parameter(values: number[], shape: number[], trainable = true): Parameter {
  const made = new Parameter(shape, () => tf.zeros(shape), { trainable });
  const initial = tf.tensor(values, shape);
  made.assign(initial);
  initial.dispose();
  return made;
}

function makeParameters(): Map<string, Parameter> {
  return new Map([
    ['dense.weight', parameter([1, -2, 3, 0.5], [2, 2])],
    ['dense.bias', parameter([0.3, -0.4], [2])],
    ['mean', parameter([5], [1], false)],
  ]);
}

/** Σ (w − 1)² + Σ (b + 1)², and its gradients. */
function gradientsOf(parameters: Map<string, Parameter>): Record<string, tf.Tensor> {
  const trainable = new Map([...parameters].filter(([, each]) => each.trainable));
  return valueAndGradients(
    () =>
      tf.add(
        tf.sum(tf.square(tf.sub(trainable.get('dense.weight')!.value, 1))),
        tf.sum(tf.square(tf.add(trainable.get('dense.bias')!.value, 1))),
      ),
    trainable,
  ).gradients;
}

const read = (parameters: Map<string, Parameter>): number[] =>
  [...parameters.values()].flatMap(({ value }) => Array.from(value.dataSync()));

function free(parameters: Map<string, Parameter>): void {
  for (const each of parameters.values()) each.dispose();
}

describe.each(NAMES)('%s', (name) => {
  const make = OPTIMIZERS[name]!;

  it('leaves no tensor behind over 100 updates, and none after dispose', async () => {
    const before = tf.memory().numTensors;
    const parameters = makeParameters();
    const optimizer = make().initialize(parameters);
    await checkLeaks(() => tf.tidy(() => optimizer.update(parameters, gradientsOf(parameters), 0.01)));
    await checkLeaks(() => {
      // Also without a tidy around it: only what the caller made is the caller's to free.
      const gradients = onesAsGradients();
      optimizer.update(parameters, gradients, 0.01);
      tf.dispose(gradients);
    });
    optimizer.dispose();
    free(parameters);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('goes downhill', () => {
    const parameters = makeParameters();
    const optimizer = make().initialize(parameters);
    const distance = (): number =>
      read(parameters).reduce((sum, value, index) => sum + (index === 6 ? 0 : (value - (index < 4 ? 1 : -1)) ** 2), 0);
    const start = distance();
    for (let step = 0; step < 30; step += 1) tf.tidy(() => optimizer.update(parameters, gradientsOf(parameters), 0.02));
    expect(distance()).toBeLessThan(start);
    optimizer.dispose();
    free(parameters);
  });

  it('resumes from its saved state exactly', () => {
    const straight = makeParameters();
    const stopped = makeParameters();
    const through = make().initialize(straight);
    const first = make().initialize(stopped);
    const advance = (optimizer: optimizers.Optimizer, parameters: Map<string, Parameter>, steps: number): void => {
      for (let step = 0; step < steps; step += 1) {
        tf.tidy(() => optimizer.update(parameters, gradientsOf(parameters), tf.scalar(0.05)));
      }
    };
    advance(through, straight, 7);
    advance(first, stopped, 3);
    const second = make().initialize(stopped);
    second.loadStateDict(first.stateDict());
    first.dispose();
    advance(second, stopped, 4);
    expect(read(stopped)).toEqual(read(straight));
    expect(second.stateDict()[`${second.name}.step`]?.dataSync()[0]).toBe(7);
    for (const each of [through, second]) each.dispose();
    for (const each of [straight, stopped]) free(each);
  });

  it('gives the same numbers as a compiled step, with a learning rate that changes', async () => {
    const eager = makeParameters();
    const compiled = makeParameters();
    const one = make().initialize(eager);
    const other = make().initialize(compiled);
    const step = compile((rate: tf.Scalar) => {
      const { value, gradients } = { value: tf.scalar(0), gradients: gradientsOf(compiled) };
      other.update(compiled, gradients, rate);
      return value;
    });
    for (const rate of [0.1, 0.05, 0.01]) {
      tf.tidy(() => one.update(eager, gradientsOf(eager), rate));
      const tensor = tf.scalar(rate);
      tf.dispose([await step(tensor), tensor]);
    }
    expectClose(read(compiled), read(eager), 1e-6);
    for (const each of [one, other]) each.dispose();
    for (const each of [eager, compiled]) free(each);
  });

  it('agrees on cpu and wasm', async () => {
    const steps = (): Record<string, tf.Tensor> => {
      const parameters = makeParameters();
      const optimizer = make().initialize(parameters);
      for (let step = 0; step < 5; step += 1) optimizer.update(parameters, gradientsOf(parameters), 0.05);
      const after = Object.fromEntries([...parameters].map(([path, { value }]) => [path, tf.clone(value)]));
      optimizer.dispose();
      free(parameters);
      return after;
    };
    await expect(compareEngines(steps)).resolves.toBeUndefined();
  });
});

function onesAsGradients(): Record<string, tf.Tensor> {
  return { 'dense.weight': tf.ones([2, 2]), 'dense.bias': tf.ones([2]) };
}

describe('state', () => {
  it('has the names <optimizer>.<slot>.<parameter>, and none for a buffer', () => {
    const parameters = makeParameters();
    const names = (optimizer: optimizers.Optimizer): string[] => {
      const found = Object.keys(optimizer.initialize(parameters).stateDict());
      optimizer.dispose();
      return found;
    };
    expect(names(new Adam())).toEqual([
      'adam.step',
      'adam.firstMoment.dense.weight',
      'adam.firstMoment.dense.bias',
      'adam.secondMoment.dense.weight',
      'adam.secondMoment.dense.bias',
    ]);
    expect(names(new SGD())).toEqual(['sgd.step']);
    expect(names(new SGD({ momentum: 0.5 }))).toHaveLength(3);
    expect(names(new RMSProp())).toHaveLength(3);
    expect(names(new RMSProp({ centred: true, momentum: 0.5 }))).toHaveLength(7);
    free(parameters);
  });

  it('belongs to names: a parameter left out of one update keeps its moments', () => {
    const parameters = makeParameters();
    const optimizer = new Adam().initialize(parameters);
    tf.tidy(() => optimizer.update(parameters, gradientsOf(parameters), 0.1));
    const moment = optimizer.stateDict()['adam.firstMoment.dense.weight']!;
    const bias = optimizer.stateDict()['adam.firstMoment.dense.bias']!;
    const [weightBefore, biasBefore] = [Array.from(moment.dataSync()), Array.from(bias.dataSync())];
    const onlyBias = new Map([...parameters].filter(([name]) => name === 'dense.bias'));
    tf.tidy(() => optimizer.update(onlyBias, { 'dense.bias': tf.ones([2]) }, 0.1));
    expect(Array.from(moment.dataSync())).toEqual(weightBefore);
    expect(Array.from(bias.dataSync())).not.toEqual(biasBefore);
    optimizer.dispose();
    free(parameters);
  });

  it('loading names what is missing, unexpected or of another shape, and changes nothing', () => {
    const parameters = makeParameters();
    const optimizer = new Adam().initialize(parameters);
    tf.tidy(() => optimizer.update(parameters, gradientsOf(parameters), 0.1));
    const before = Object.values(optimizer.stateDict()).flatMap((each) => Array.from(each.dataSync()));
    tf.tidy(() => {
      const { 'adam.step': step, ...rest } = optimizer.stateDict() as Record<string, tf.Tensor>;
      rest['adam.firstMoment.dense.bias'] = tf.ones([3]);
      rest['adam.firstMoment.other'] = tf.ones([3]);
      rest['adam.secondMoment.dense.bias'] = tf.tensor1d([9, 9]);
      expect(step).toBeDefined();
      expect(() => optimizer.loadStateDict(rest)).toThrow(
        /missing: adam\.step; unexpected: adam\.firstMoment\.other; of another shape: adam\.firstMoment\.dense\.bias is \[3\] and should be \[2\]/,
      );
    });
    const after = Object.values(optimizer.stateDict()).flatMap((each) => Array.from(each.dataSync()));
    expect(after).toEqual(before);
    optimizer.dispose();
    free(parameters);
  });

  it('initialize starts anew, and leaves nothing of the old state', () => {
    const parameters = makeParameters();
    const optimizer = new Adam().initialize(parameters);
    const before = tf.memory().numTensors;
    tf.tidy(() => optimizer.update(parameters, gradientsOf(parameters), 0.1));
    optimizer.initialize(parameters);
    expect(tf.memory().numTensors).toBe(before);
    expect(optimizer.stateDict()['adam.step']!.dataSync()[0]).toBe(0);
    optimizer.dispose();
    free(parameters);
  });
});

describe('weight decay', () => {
  it('asks the mask about each parameter', () => {
    const parameters = makeParameters();
    const asked: string[] = [];
    const optimizer = new AdamW({
      weightDecay: 0.5,
      decay: (name, each) => {
        asked.push(name);
        return decayMatrices(name, each);
      },
    }).initialize(parameters);
    tf.tidy(() => optimizer.update(parameters, { 'dense.weight': tf.zeros([2, 2]), 'dense.bias': tf.zeros([2]) }, 0.1));
    expect(asked).toEqual(['dense.weight', 'dense.bias']);
    expectClose(read(parameters), [0.95, -1.9, 2.85, 0.475, 0.3, -0.4, 5], 1e-6);
    optimizer.dispose();
    free(parameters);
  });
});

describe('rounding', () => {
  it('centred RMSProp survives a constant gradient', () => {
    const parameters = new Map([['w', parameter([1], [1])]]);
    const optimizer = new RMSProp({ centred: true, smoothing: 0.5 }).initialize(parameters);
    for (let step = 0; step < 60; step += 1) {
      tf.tidy(() => optimizer.update(parameters, { w: tf.tensor1d([0.1]) }, 1e-6));
    }
    expect(parameters.get('w')!.value.dataSync()[0]).not.toBeNaN();
    optimizer.dispose();
    free(parameters);
  });

  it('the first Adam step has the length of the learning rate, to six digits', async () => {
    for (const engine of ['cpu', 'wasm'] as const) {
      await useBackend(engine);
      const parameters = new Map([['w', parameter([0], [1])]]);
      const optimizer = new Adam({ beta2: 0.9999 }).initialize(parameters);
      tf.tidy(() => optimizer.update(parameters, { w: tf.tensor1d([3]) }, 1));
      expect(parameters.get('w')!.value.dataSync()[0]).toBeCloseTo(-1, 6);
      optimizer.dispose();
      free(parameters);
    }
    await useBackend('cpu');
  });
});

describe('errors', () => {
  const withParameters = (
    test: (parameters: Map<string, Parameter>, optimizer: optimizers.Optimizer) => void,
  ): void => {
    const parameters = makeParameters();
    const optimizer = new Adam().initialize(parameters);
    tf.tidy(() => test(parameters, optimizer));
    optimizer.dispose();
    free(parameters);
  };

  it('before initialize', () => {
    const optimizer = new Adam();
    expect(() => optimizer.update(new Map(), {}, 0.1)).toThrow('adam: update was called before initialize');
    expect(() => optimizer.stateDict()).toThrow(/stateDict was called before/);
    expect(() => optimizer.loadStateDict({})).toThrow(/loadStateDict was called before/);
  });

  it('gradients that are missing, unknown or of another shape; nothing is changed', () => {
    withParameters((parameters, optimizer) => {
      const weight = tf.ones([2, 2]);
      const bias = tf.ones([2]);
      const before = read(parameters);
      expect(() => optimizer.update(parameters, { 'dense.weight': weight }, 0.1)).toThrow(
        /no gradient arrived for dense\.bias/,
      );
      expect(() =>
        optimizer.update(parameters, { 'dense.weight': weight, 'dense.bias': bias, other: bias }, 0.1),
      ).toThrow(/gradients arrived for other/);
      expect(() => optimizer.update(parameters, { 'dense.weight': weight, 'dense.bias': tf.ones([1]) }, 0.1)).toThrow(
        /the gradient of dense\.bias has the shape \[1\] and the parameter \[2\]/,
      );
      expect(() => optimizer.update(new Map([['new', parameters.get('dense.bias')!]]), { new: bias }, 0.1)).toThrow(
        /no state for the parameter new/,
      );
      expect(read(parameters)).toEqual(before);
      expect(optimizer.stateDict()['adam.step']!.dataSync()[0]).toBe(0);
    });
  });

  it('learning rates that are none', () => {
    withParameters((parameters, optimizer) => {
      const gradients = onesAsGradients();
      expect(() => optimizer.update(parameters, gradients, Number.NaN)).toThrow(/learning rate NaN/);
      expect(() => optimizer.update(parameters, gradients, -1)).toThrow(/learning rate -1/);
      expect(() => optimizer.update(parameters, gradients, tf.ones([1]) as unknown as tf.Scalar)).toThrow(
        /shape \[1\] arrived/,
      );
    });
  });

  it.each<[string, () => unknown, RegExp]>([
    ['negative epsilon', () => new Adam({ epsilon: -1 }), /adam: epsilon is -1/],
    ['NaN epsilon', () => new RMSProp({ epsilon: Number.NaN }), /rmsprop: epsilon is NaN/],
    ['beta1 of 1', () => new Adam({ beta1: 1 }), /adam: beta1 is 1/],
    ['beta2 below 0', () => new AdamW({ beta2: -0.1 }), /adamw: beta2 is -0.1/],
    ['NaN beta', () => new AdaMax({ beta1: Number.NaN }), /adamax: beta1 is NaN/],
    ['momentum above 1', () => new SGD({ momentum: 1.5 }), /sgd: momentum is 1.5/],
    ['Nesterov without momentum', () => new SGD({ nesterov: true }), /momentum is 0; give a momentum/],
    ['negative decay', () => new SGD({ weightDecay: -0.1 }), /sgd: weightDecay is -0.1/],
    [
      'infinite accumulator',
      () => new Adagrad({ initialAccumulator: Infinity }),
      /adagrad: initialAccumulator is Infinity/,
    ],
    ['smoothing of 1', () => new Adadelta({ smoothing: 1 }), /adadelta: smoothing is 1/],
  ])('%s', (_name, make, message) => {
    expect(make).toThrow(message);
  });
});

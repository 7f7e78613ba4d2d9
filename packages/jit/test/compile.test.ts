import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  compileStep as compileAnywhere,
  registerOnnxBackend,
  RuntimeLostError,
  type GraphSession,
  type Runtime,
} from '../src/index.ts';

tf.env().set('PROD', true);

/** A variable without the tensor of its first value. */
function variable(value: tf.Tensor): tf.Variable {
  const created = tf.variable(value);
  value.dispose();
  return created;
}

/** Numbers that look random and are always the same. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => Math.sin((index + 1) * 12.9898 + seed * 78.233));
}

const seeded = (shape: number[], seed: number) => tf.tensor(numbers(tf.util.sizeFromShape(shape), seed), shape);

const read = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

async function take(promise: Promise<tf.Tensor>): Promise<number[]> {
  const tensor = await promise;
  const values = read(tensor);
  tensor.dispose();
  return values;
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Array.from(expected).reduce((worst, value, index) => Math.max(worst, Math.abs(value - actual[index]!)), 0);
}

/** A two-layer network with Adam, written with plain tfjs; everything that changes is a variable. */
class Network {
  readonly weights = [seeded([6, 40], 1), seeded([40], 2), seeded([40, 3], 3), seeded([3], 4)].map(variable);
  readonly first = this.weights.map(({ shape }) => variable(tf.zeros(shape)));
  readonly second = this.weights.map(({ shape }) => variable(tf.zeros(shape)));
  readonly count = variable(tf.scalar(0));

  predict(x: tf.Tensor): tf.Tensor {
    const [w1, b1, w2, b2] = this.weights as [tf.Variable, tf.Variable, tf.Variable, tf.Variable];
    return tf.add(
      tf.matMul(tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w1 as never), b1)) as tf.Tensor2D, w2 as never),
      b2,
    );
  }

  loss(x: tf.Tensor, y: tf.Tensor): tf.Scalar {
    return tf.losses.softmaxCrossEntropy(y, this.predict(x)) as tf.Scalar;
  }

  step = (x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor): tf.Tensor => {
    const { value, grads } = tf.variableGrads(() => this.loss(x, y), this.weights);
    this.count.assign(tf.add(this.count, 1));
    const correction = tf.sqrt(tf.sub(1, tf.pow(0.999, this.count)));
    for (const [index, weight] of this.weights.entries()) {
      const gradient = grads[weight.name]!;
      const [first, second] = [this.first[index]!, this.second[index]!];
      first.assign(tf.add(tf.mul(first, 0.9), tf.mul(gradient, 0.1)));
      second.assign(tf.add(tf.mul(second, 0.999), tf.mul(tf.square(gradient), 0.001)));
      const direction = tf.div(first, tf.add(tf.sqrt(second), 1e-8));
      weight.assign(tf.sub(weight, tf.mul(direction, tf.mul(rate, correction))));
    }
    return value;
  };

  evaluate = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => this.loss(x, y);

  get variables(): tf.Variable[] {
    return [...this.weights, ...this.first, ...this.second, this.count];
  }

  dispose(): void {
    tf.dispose(this.variables);
  }
}

interface Batch {
  x: tf.Tensor;
  y: tf.Tensor;
  rate: tf.Tensor;
}

const batch = (rows = 8): Batch => ({
  x: seeded([rows, 6], 5),
  y: tf.tidy(() =>
    tf.cast(
      tf.oneHot(
        tf.tensor1d(
          Array.from({ length: rows }, (_, i) => i % 3),
          'int32',
        ),
        3,
      ),
      'float32',
    ),
  ),
  rate: tf.scalar(0.01),
});

beforeAll(async () => {
  await registerOnnxBackend();
  await tf.setBackend('onnx');
});

/** Where steps run unless a test says otherwise; undefined: as the compiler decides. */
let thread: 'worker' | 'inline' | undefined;
const compileStep: typeof compileAnywhere = (step, options) =>
  compileAnywhere(step, { ...(thread !== undefined && { thread }), ...options });

let tensors: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
const expectNoLeak = (): void => {
  expect(tf.memory().numTensors).toBe(tensors);
};
afterEach(expectNoLeak);

describe.each(['worker', 'inline'] as const)('compileStep, %s', (where) => {
  beforeAll(() => {
    thread = where;
  });
  afterAll(() => {
    thread = undefined;
  });

  it('gives the numbers of the step itself, over many steps', async () => {
    const { x, y, rate } = batch();
    const [eager, compiled] = [new Network(), new Network()];
    const step = compileStep(compiled.step);
    for (let index = 0; index < 20; index++) {
      const loss = tf.tidy(() => eager.step(x, y, rate));
      expect(largestDifference(await take(step(x, y, rate)), read(loss))).toBeLessThan(1e-5);
      loss.dispose();
    }
    for (const [index, weight] of compiled.variables.entries()) {
      expect(largestDifference(read(weight), read(eager.variables[index]!))).toBeLessThan(1e-5);
    }
    expect(step.signatureCount).toBe(1);
    await step.dispose();
    tf.dispose([x, y, rate]);
    eager.dispose();
    compiled.dispose();
  });

  it('returns tensors by name, of any type, and its arguments and variables as they are', async () => {
    const weight = variable(tf.tensor1d([1, 2]));
    const x = tf.tensor1d([3, 4], 'int32');
    const step = compileStep((input: tf.Tensor) => ({
      positive: tf.greater(weight, 1),
      doubled: tf.mul(input, tf.scalar(2, 'int32')),
      input,
      weight: weight as tf.Tensor,
      constant: tf.tensor2d([[1, 2]]),
    }));
    const { positive, doubled, input, weight: copy, constant } = await step(x);
    expect([positive!.dtype, read(positive!)]).toEqual(['bool', [0, 1]]);
    expect([doubled!.dtype, read(doubled!)]).toEqual(['int32', [6, 8]]);
    expect(read(input!)).toEqual([3, 4]);
    expect(read(copy!)).toEqual([1, 2]);
    expect([constant!.shape, read(constant!)]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(read(tf.tidy(() => tf.add(doubled!, copy!).clone())).length).toBe(2);
    tf.disposeVariables();
    tf.dispose([positive!, doubled!, input!, copy!, constant!, x]);
    await step.dispose();
    tensors = tf.memory().numTensors;
  });

  it('shows the variables as they are, to eager code, at every point', async () => {
    const count = variable(tf.scalar(0));
    const step = compileStep(() => {
      count.assign(tf.add(count, 1));
      return tf.mul(count, 10);
    });
    expect(await take(step())).toEqual([10]);
    expect(read(count)).toEqual([1]);
    const clone = count.clone();
    const view = tf.reshape(count, [1, 1]);
    expect(await take(step())).toEqual([20]);
    expect([read(count), read(clone), read(view)]).toEqual([[2], [1], [1]]);
    expect(tf.tidy(() => read(tf.add(count, clone)))).toEqual([3]);
    expect(await take(step())).toEqual([30]);
    expect(await count.data()).toEqual(Float32Array.of(3));
    tf.dispose([clone, view, count]);
    await step.dispose();
  });

  it('shows what a step under way assigns, once it is known, to whoever reads it meanwhile', async () => {
    const { x, y, rate } = batch();
    const [eager, network] = [new Network(), new Network()];
    const step = compileStep(network.step);
    // The first call is compiled before it runs; what is read meanwhile is what was there before.
    (await step(x, y, rate)).dispose();
    tf.tidy(() => void eager.step(x, y, rate));
    for (let index = 0; index < 3; index++) {
      tf.tidy(() => void eager.step(x, y, rate));
      const pending = step(x, y, rate);
      expect(largestDifference(read(network.weights[0]!), read(eager.weights[0]!))).toBeLessThan(1e-5);
      const clone = network.weights[1]!.clone();
      (await pending).dispose();
      expect(read(clone)).toEqual(read(network.weights[1]!));
      clone.dispose();
    }
    await step.dispose();
    tf.dispose([x, y, rate]);
    eager.dispose();
    network.dispose();
  });

  it('notices what eager code assigns between steps', async () => {
    const count = variable(tf.scalar(0));
    const step = compileStep(() => {
      count.assign(tf.add(count, 1));
      return tf.mul(count, 1);
    });
    await take(step());
    tf.tidy(() => count.assign(tf.scalar(100)));
    expect(await take(step())).toEqual([101]);
    tf.tidy(() => count.assign(tf.add(count, 1)));
    expect(await take(step())).toEqual([103]);
    // Assigned while a step is under way: after it, in the program's order.
    const pending = step();
    tf.tidy(() => count.assign(tf.scalar(-5)));
    expect(await take(pending)).toEqual([104]);
    expect(read(count)).toEqual([-5]);
    expect(await take(step())).toEqual([-4]);
    await step.dispose();
    expect(read(count)).toEqual([-4]);
    count.dispose();
  });

  it('shares variables between steps', async () => {
    const { x, y, rate } = batch();
    const [eager, network] = [new Network(), new Network()];
    const train = compileStep(network.step);
    const evaluate = compileStep(network.evaluate);
    const losses: number[][] = [];
    const expected: number[][] = [];
    for (let index = 0; index < 4; index++) {
      (await train(x, y, rate)).dispose();
      losses.push(await take(evaluate(x, y)));
      tf.tidy(() => {
        eager.step(x, y, rate);
        expected.push(read(eager.evaluate(x, y)));
      });
    }
    expect(largestDifference(losses.flat(), expected.flat())).toBeLessThan(1e-5);
    expect(new Set(losses.flat()).size).toBe(4);
    // Two steps that assign the same variables, and a step that ends while the values are in its session.
    const other = compileStep(network.step);
    (await other(x, y, rate)).dispose();
    await other.dispose();
    const loss = await take(evaluate(x, y));
    tf.tidy(() => {
      eager.step(x, y, rate);
      expect(largestDifference(loss, read(eager.evaluate(x, y)))).toBeLessThan(1e-5);
    });
    await Promise.all([train.dispose(), evaluate.dispose()]);
    tf.dispose([x, y, rate]);
    eager.dispose();
    network.dispose();
  });

  it('runs calls in their order, across steps, with arguments that were disposed of after the call', async () => {
    const count = variable(tf.scalar(1));
    const add = compileStep((x: tf.Tensor) => {
      count.assign(tf.add(count, x));
      return tf.mul(count, 1);
    });
    const double = compileStep(() => {
      count.assign(tf.mul(count, 2));
      return tf.mul(count, 1);
    });
    const x = tf.scalar(3);
    const pending = [add(x), double(), add(x), double()];
    x.dispose();
    expect((await Promise.all(pending.map(take))).flat()).toEqual([4, 8, 11, 22]);
    await Promise.all([add.dispose(), double.dispose()]);
    count.dispose();
  });

  it('captures tensors, small and large, also after they were disposed of', async () => {
    const [small, large] = [tf.tensor1d([1, 2, 3]), seeded([50, 60], 6)];
    const x = seeded([3, 50], 7);
    const expected = tf.tidy(() => read(tf.mul(tf.sum(tf.matMul(x as tf.Tensor2D, large as tf.Tensor2D), 1), small)));
    const step = compileStep((input: tf.Tensor) =>
      tf.mul(tf.sum(tf.matMul(input as tf.Tensor2D, large as tf.Tensor2D), 1), small),
    );
    expect(largestDifference(await take(step(x)), expected)).toBeLessThan(1e-4);
    tf.dispose([small, large]);
    expect(largestDifference(await take(step(x)), expected)).toBeLessThan(1e-4);
    await step.dispose();
    x.dispose();
  });

  it('assigns a variable that it never reads, and returns what it assigns', async () => {
    const last = variable(tf.zeros([2]));
    const step = compileStep((x: tf.Tensor) => {
      const doubled = tf.mul(x, 2);
      last.assign(doubled);
      return doubled;
    });
    for (const values of [
      [1, 2],
      [3, 4],
    ]) {
      const x = tf.tensor1d(values);
      expect(await take(step(x))).toEqual(values.map((value) => 2 * value));
      expect(read(last)).toEqual(values.map((value) => 2 * value));
      x.dispose();
    }
    await step.dispose();
    last.dispose();
  });

  it('keeps at most so many signatures, and loses no value with those that it lets go', async () => {
    const total = variable(tf.scalar(0));
    const step = compileStep((x: tf.Tensor) => {
      total.assign(tf.add(total, tf.sum(x)));
      return tf.sum(x);
    });
    for (let size = 1; size <= 100; size++) {
      const x = tf.ones([size]);
      expect(await take(step(x))).toEqual([size]);
      expect(step.signatureCount).toBe(Math.min(size, 16));
      x.dispose();
    }
    expect(read(total)).toEqual([5050]);
    await step.dispose();
    expect(step.signatureCount).toBe(0);
    expect(read(total)).toEqual([5050]);
    total.dispose();
  });

  it('traces anew for variables that took the place of others', async () => {
    const holder = { weight: variable(tf.scalar(2)) };
    const step = compileStep((x: tf.Tensor) => tf.mul(x, holder.weight));
    const x = tf.scalar(5);
    expect(await take(step(x))).toEqual([10]);
    holder.weight.dispose();
    holder.weight = variable(tf.scalar(3));
    expect(await take(step(x))).toEqual([15]);
    expect(step.signatureCount).toBe(1);
    await step.dispose();
    tf.dispose([x, holder.weight]);
  });

  it('takes variables and arguments from another engine, and gives them back to it', async () => {
    await tf.setBackend('cpu');
    const weight = variable(tf.tensor1d([1, 2]));
    const x = tf.tensor1d([10, 20]);
    const step = compileStep((input: tf.Tensor) => {
      weight.assign(tf.add(weight, input));
      return tf.sum(weight);
    });
    expect(await take(step(x))).toEqual([33]);
    expect(tf.tidy(() => read(tf.mul(weight, 2)))).toEqual([22, 44]);
    expect(await take(step(x))).toEqual([63]);
    await step.dispose();
    tf.dispose([weight, x]);
    await tf.setBackend('onnx');
  });

  it('leaks no tensor and no data', async () => {
    const { x, y, rate } = batch();
    const network = new Network();
    const step = compileStep(network.step);
    (await step(x, y, rate)).dispose();
    const before = [
      tf.memory().numTensors,
      tf.memory().numBytes,
      tf.memory().numDataBuffers,
      tf.backend().numDataIds(),
    ];
    for (let index = 0; index < 100; index++) (await step(x, y, rate)).dispose();
    expect([
      tf.memory().numTensors,
      tf.memory().numBytes,
      tf.memory().numDataBuffers,
      tf.backend().numDataIds(),
    ]).toEqual(before);
    await step.dispose();
    network.dispose();
    tf.dispose([x, y, rate]);
  });

  it('continues bit for bit from values that were saved and loaded', async () => {
    const { x, y, rate } = batch();
    const whole = new Network();
    const step = compileStep(whole.step);
    for (let index = 0; index < 3; index++) (await step(x, y, rate)).dispose();
    const saved = whole.variables.map(({ shape, dtype, ...tensor }, index) => ({
      shape,
      dtype,
      values: whole.variables[index]!.dataSync().slice(),
      tensor,
    }));
    for (let index = 0; index < 3; index++) (await step(x, y, rate)).dispose();
    const resumed = new Network();
    for (const [index, { values, shape }] of saved.entries()) {
      tf.tidy(() => resumed.variables[index]!.assign(tf.tensor(values, shape)));
    }
    const second = compileStep(resumed.step);
    for (let index = 0; index < 3; index++) (await second(x, y, rate)).dispose();
    expect(resumed.variables.map(read)).toEqual(whole.variables.map(read));
    await Promise.all([step.dispose(), second.dispose()]);
    whole.dispose();
    resumed.dispose();
    tf.dispose([x, y, rate]);
  });
});

describe('the thread of a step', () => {
  it('is the calling one for what takes no time, and another one for the rest', async () => {
    const engine = await registerOnnxBackend();
    const asked: unknown[] = [];
    const noting = {
      ...engine,
      runtime: async (...args: Parameters<typeof engine.runtime>) => {
        asked.push(args[0]);
        return engine.runtime(...args);
      },
    };
    const square = compileAnywhere((x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D), { engine: noting });
    for (const size of [8, 512]) {
      const x = tf.ones([size, size]);
      expect((await take(square(x)))[0]).toBe(size);
      x.dispose();
    }
    expect(asked).toEqual(['inline', 'worker']);
    await square.dispose();
  });

  it('comes back to the event loop between steps, wherever they run', async () => {
    const increment = compileAnywhere((x: tf.Tensor) => tf.add(x, 1), { thread: 'inline' });
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const x = tf.scalar(0);
    const begin = performance.now();
    while (performance.now() - begin < 100) (await increment(x)).dispose();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
    await increment.dispose();
    x.dispose();
  });
});

describe('a step that is forgotten', () => {
  it('gives the values back to the variables, and its session to the runtime', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const engine = await registerOnnxBackend();
    const runtime = await engine.runtime();
    const disposed: GraphSession[] = [];
    const counting: Runtime = {
      ...runtime,
      version: runtime.version,
      thread: runtime.thread,
      dispose: async () => runtime.dispose(),
      async createSession(...args) {
        const session = await runtime.createSession(...args);
        const { dispose } = session;
        session.dispose = async () => {
          disposed.push(session);
          return dispose.call(session);
        };
        return session;
      },
    };
    const count = variable(tf.scalar(0));
    await (async () => {
      const step = compileStep(
        () => {
          count.assign(tf.add(count, 1));
          return tf.mul(count, 1);
        },
        { engine: { ...engine, runtime: async () => counting } },
      );
      for (let index = 0; index < 3; index++) (await step()).dispose();
    })();
    for (let index = 0; index < 200 && disposed.length === 0; index++) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(disposed).toHaveLength(1);
    expect(read(count)).toEqual([3]);
    count.dispose();
  });
});

describe('a call that fails', () => {
  it('traces anew on a new runtime after the worker was lost, from values that eager code has', async () => {
    const engine = await registerOnnxBackend();
    const real = await engine.runtime();
    let isLost = false;
    let started = 0;
    const breakable = (): Runtime => ({
      version: real.version,
      thread: real.thread,
      provider: real.provider,
      dispose: async () => {},
      async createSession(...args) {
        const session = await real.createSession(...args);
        const { run } = session;
        session.run = async (feeds) => {
          if (isLost) throw new RuntimeLostError('the worker ended');
          return run.call(session, feeds);
        };
        return session;
      },
    });
    let runtime: Promise<Runtime> | undefined;
    const fragile = {
      ...engine,
      runtime: async () => {
        if (runtime === undefined) started += 1;
        return (runtime ??= Promise.resolve(breakable()));
      },
      forgetRuntime: () => (runtime = undefined),
    };
    const count = variable(tf.scalar(5));
    const step = compileStep(
      () => {
        count.assign(tf.add(count, 1));
        return tf.mul(count, 1);
      },
      { engine: fragile },
    );
    expect(await take(step())).toEqual([6]);
    isLost = true;
    await expect(step()).rejects.toThrow(RuntimeLostError);
    isLost = false;
    tf.tidy(() => count.assign(tf.scalar(60))); // As loading a checkpoint does.
    expect(await take(step())).toEqual([61]);
    expect(started).toBe(2);
    await step.dispose();
    count.dispose();
  });

  it('rejects for what the step throws, and the next call runs', async () => {
    const count = variable(tf.scalar(0));
    let fails = true;
    const step = compileStep(() => {
      count.assign(tf.add(count, 1));
      if (fails) throw new Error('dense: no such layer.');
      return tf.mul(count, 1);
    });
    await expect(step()).rejects.toThrow('dense: no such layer.');
    expect(read(count)).toEqual([0]);
    fails = false;
    expect(await take(step())).toEqual([1]);
    await step.dispose();
    count.dispose();
  });

  it.each([
    [0.1, 'argument 0 of the step is a number; pass a tensor, for example tf.scalar(0.1)'],
    [null, 'argument 0 of the step is null'],
  ])('refuses the argument %j', async (argument, message) => {
    const step = compileStep((x: tf.Tensor) => x);
    await expect(step(argument as unknown as tf.Tensor)).rejects.toThrow(message);
  });

  it('refuses a text, and a tensor that is gone', async () => {
    const step = compileStep((x: tf.Tensor) => x);
    const [text, gone] = [tf.tensor1d(['a']), tf.scalar(1)];
    gone.dispose();
    await expect(step(text)).rejects.toThrow('argument 0 of the step is a tensor of type string; pass float32');
    await expect(step(gone)).rejects.toThrow('argument 0 of the step is disposed');
    text.dispose();
  });

  it('refuses to run after it was disposed of', async () => {
    const step = compileStep(() => tf.scalar(1));
    await step.dispose();
    await expect(step()).rejects.toThrow('this compiled step was disposed; compile the step again');
  });
});

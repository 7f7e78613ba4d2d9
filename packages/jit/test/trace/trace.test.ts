import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { plainCpu } from '../../src/graph/target.ts';
import type { GraphArray } from '../../src/graph/value.ts';
import { traceStep, type StepResult, type Trace } from '../../src/trace/trace.ts';
import { TracingError } from '../../src/trace/tracing-error.ts';
import { runGraph } from '../run-graph.ts';

tf.env().set('PROD', true);

const vector = { shape: [3], dtype: 'float32' } as const;

function trace(step: (...args: never[]) => StepResult, signature = [vector] as Parameters<typeof traceStep>[1]): Trace {
  return traceStep(step, signature, plainCpu);
}

/** Runs a traced step by its own graph: arguments in order, variables and captured tensors with their values. */
async function run({ graph, results, variables, captured }: Trace, ...args: GraphArray[]): Promise<number[][]> {
  const outputs = Object.fromEntries(results.map(({ value }, index) => [`result${index}`, value]));
  for (const [index, { after }] of variables.entries()) if (after) outputs[`next${index}`] = after;
  const feeds: Record<string, GraphArray> = {};
  for (const [index, data] of args.entries()) feeds[`argument${index}`] = data;
  for (const { before, variable } of variables) if (before) feeds[before.inputName!] = variable.dataSync() as never;
  for (const { input, values } of captured) feeds[input.inputName!] = values;
  return Object.values(await runGraph(graph, outputs, feeds)).map(({ data }) => Array.from(data as Float32Array));
}

/** A variable without the tensor of its first value. */
const variableOf = (value: tf.Tensor): tf.Variable => {
  const created = tf.variable(value);
  value.dispose();
  return created;
};

const numbers = (...values: number[]) => Float32Array.from(values);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const engineState = () => {
  const { numTensors, numBytes, numDataBuffers } = tf.memory();
  return { numTensors, numBytes, numDataBuffers, backend: tf.getBackend(), random: Math.random };
};
let before: ReturnType<typeof engineState>;
beforeEach(() => {
  before = engineState();
});
/** Whatever a test traced, successfully or not, tfjs is as it was. */
const expectUnchanged = (): void => {
  expect(engineState()).toEqual(before);
};
afterEach(expectUnchanged);

describe('traceStep', () => {
  it('records what a step computes', async () => {
    const traced = trace((x: tf.Tensor) => tf.sum(tf.square(tf.add(x, 1))));
    expect(await run(traced, numbers(1, 2, 3))).toEqual([[29]]);
    expect(traced.results).toMatchObject([{ name: undefined }]);
  });

  it('records results by name', async () => {
    const traced = trace((x: tf.Tensor) => ({ sum: tf.sum(x), same: x, one: tf.scalar(1) }));
    expect(traced.results.map(({ name }) => name)).toEqual(['sum', 'same', 'one']);
    expect(await run(traced, numbers(1, 2, 3))).toEqual([[6], [1, 2, 3], [1]]);
  });

  it('records gradients through the tape, and what is assigned to variables', async () => {
    const weight = variableOf(tf.tensor1d([1, 2, 3]));
    const untouched = variableOf(tf.scalar(5));
    const traced = trace((x: tf.Tensor) => {
      const { value, grads } = tf.variableGrads(() => tf.sum(tf.mul(tf.square(weight), x)) as tf.Scalar, [weight]);
      weight.assign(tf.sub(weight, tf.mul(0.5, grads[weight.name]!)));
      return value;
    });
    expect(traced.variables.map(({ variable }) => variable)).toEqual([weight]);
    expect(await run(traced, numbers(1, 1, 2))).toEqual([[23], [0, 0, -3]]);
    expect(Array.from(weight.dataSync())).toEqual([1, 2, 3]);
    tf.dispose([weight, untouched]);
  });

  it('follows a variable through several assignments, clones and reads between them', async () => {
    const count = variableOf(tf.scalar(1));
    const traced = trace(() => {
      const old = count.clone();
      count.assign(tf.add(count, 1));
      count.assign(tf.mul(count, 10));
      return { old, now: tf.add(count, 0.5) };
    }, []);
    expect(await run(traced)).toEqual([[1], [20.5], [20]]);
    count.dispose();
  });

  it('leaves out a variable that ends as it began', () => {
    const weight = variableOf(tf.scalar(1));
    const traced = trace(() => {
      weight.assign(weight.clone());
      return tf.add(weight, 1);
    }, []);
    expect(traced.variables).toMatchObject([{ variable: weight, after: undefined }]);
    weight.dispose();
  });

  it('assigns tensors from outside, and those keep their data', async () => {
    const weight = variableOf(tf.scalar(1));
    const start = tf.scalar(7);
    const traced = trace(() => {
      weight.assign(start);
      weight.assign(tf.add(weight, start));
      return tf.mul(weight, 2);
    }, []);
    expect(await run(traced)).toEqual([[28], [14]]);
    expect(start.dataSync()[0]).toBe(7);
    const other = trace(() => {
      weight.assign(start);
      return weight;
    }, []);
    expect(await run(other)).toEqual([[7], [7]]);
    expect(start.dataSync()[0]).toBe(7);
    tf.dispose([weight, start]);
  });

  it('makes small tensors from outside constants and large ones inputs, whatever their shape inside', async () => {
    const small = tf.tensor2d([[1, 2, 3]]);
    const large = tf.ones([2000]);
    const traced = trace((x: tf.Tensor) => ({
      scaled: tf.mul(x, tf.reshape(small, [3])),
      total: tf.sum(tf.matMul(tf.reshape(large, [1, 2000]), tf.reshape(large, [2000, 1]))),
    }));
    expect(traced.captured.map(({ input }) => input.shape)).toEqual([[2000]]);
    expect(await run(traced, numbers(1, 1, 2))).toEqual([[1, 2, 6], [2000]]);
    tf.dispose([small, large]);
  });

  it('accepts tensors of one number in any size, and large ones that tfjs itself makes', async () => {
    const traced = trace(() => tf.sum(tf.mul(tf.eye(40), tf.fill([40, 40], 2))), []);
    expect(await run(traced)).toEqual([[80]]);
  });

  it('reads constants, whose values are known', async () => {
    const traced = trace((x: tf.Tensor) => tf.mul(x, tf.scalar(2).dataSync()[0]!));
    expect(await run(traced, numbers(1, 2, 3))).toEqual([[2, 4, 6]]);
  });

  it('frees what the step keeps', () => {
    let kept: tf.Tensor | undefined;
    trace((x: tf.Tensor) => {
      kept = tf.keep(tf.add(x, 1));
      return tf.mul(kept, 2);
    });
    expect(kept!.isDisposed).toBe(true);
  });
});

/** The error that tracing a step throws. */
function failure(step: (...args: never[]) => unknown, signature = [vector] as Parameters<typeof traceStep>[1]): Error {
  try {
    trace(step as () => StepResult, signature);
  } catch (error) {
    return error as Error;
  }
  throw new Error('The step was traced.');
}

describe('a step that cannot be compiled', () => {
  it('passes on what the step throws', () => {
    const weight = variableOf(tf.scalar(1));
    const error = failure((x: tf.Tensor) => {
      weight.assign(tf.sum(x));
      throw new Error('dense: no such layer.');
    });
    expect(error.message).toBe('dense: no such layer.');
    expect(weight.dataSync()[0]).toBe(1);
    weight.dispose();
  });

  it('reads a value: names the place and the remedy', () => {
    function readsItsLoss(x: tf.Tensor): tf.Tensor {
      const loss = tf.sum(x);
      return loss.dataSync()[0]! > 0 ? loss : tf.neg(loss);
    }
    const error = failure(readsItsLoss);
    expect(error).toBeInstanceOf(TracingError);
    expect(error.message).toMatch(/^compile: dataSync, data or arraySync: the value of a tensor was read/);
    expect(error.message).toMatch(/at readsItsLoss \(.*trace\.test\.ts:\d+:\d+\); return the tensor from the step/);
    expect((error as TracingError).place).toMatch(/^readsItsLoss/);
  });

  it.each(['dataSync', 'arraySync', 'bufferSync', 'print'] as const)(
    'refuses %s also where the step catches it',
    (name) => {
      const error = failure((x: tf.Tensor) => {
        try {
          tf.neg(x)[name]();
        } catch {
          // A step that hides the error would be compiled without what it read.
        }
        return x;
      });
      expect(error.message).toMatch(/value of a tensor was read/);
    },
  );

  it('waits for a value', () => {
    const error = failure(async (x: tf.Tensor) => (await tf.neg(x).data()).length);
    expect(error.message).toMatch(/value of a tensor was read/);
    expect(failure(async (x: tf.Tensor) => x).message).toMatch(/the step returned a promise; make it a synchronous/);
  });

  it.each([
    ['tf.dropout', (x: tf.Tensor) => tf.dropout(x, 0.5)],
    ['tf.randomNormal', (x: tf.Tensor) => tf.add(x, tf.randomNormal([3]))],
    ['tf.randomUniform', (x: tf.Tensor) => tf.add(x, tf.randomUniform([3], 0, 1, 'float32', 7))],
    ['tf.truncatedNormal', (x: tf.Tensor) => tf.add(x, tf.truncatedNormal([3]))],
    ['tf.randomGamma', (x: tf.Tensor) => tf.add(x, tf.randomGamma([3], 1))],
    ['tf.multinomial', (x: tf.Tensor) => tf.multinomial(x as tf.Tensor1D, 2)],
    ['Math.random', (x: tf.Tensor) => tf.mul(x, Math.random())],
  ])('draws with %s', (operation, step) => {
    const error = failure(step) as TracingError;
    expect(error).toMatchObject({ name: 'TracingError', operation });
    expect(error.message).toMatch(/drawn in JavaScript.*trace\.test\.ts:\d+.*random key/);
  });

  it('makes a large tensor from numbers', () => {
    const error = failure((x: tf.Tensor) =>
      tf.sum(tf.mul(x, tf.tensor1d(Float32Array.from({ length: 3000 }, (_, i) => i)))),
    );
    expect(error.message).toMatch(/tf\.tensor: a tensor of shape \[3000\] was made from numbers inside the step/);
    expect(error.message).toMatch(/pass it as an argument/);
  });

  it.each([
    ['tf.unique', (x: tf.Tensor) => tf.unique(x).values],
    ['tf.image.nonMaxSuppression', (x: tf.Tensor) => tf.image.nonMaxSuppression(tf.ones([3, 4]), x as tf.Tensor1D, 2)],
  ])('has a shape that depends on values: %s', (operation, step) => {
    const error = failure(step) as TracingError;
    expect(error.operation).toBe(operation);
    expect(error.message).toMatch(/shape of its result depends on values.*trace\.test\.ts:\d+/);
  });

  it.each([
    ['whereAsync', async (x: tf.Tensor) => tf.whereAsync(tf.greater(x, 0))],
    ['booleanMaskAsync', async (x: tf.Tensor) => tf.booleanMaskAsync(x, tf.greater(x, 0))],
  ])('waits for indices: %s', (_name, step) => {
    expect(failure(step).message).toMatch(/value of a tensor was read|returned a promise/);
  });

  it('uses a kernel that has no graph', () => {
    const error = failure((x: tf.Tensor) => tf.real(tf.complex(x, x)));
    expect(error).toMatchObject({ operation: 'Complex' });
    expect(error.message).toMatch(/kernel of tfjs cannot be compiled, at .*trace\.test\.ts:\d+:\d+\)?; write the step/);
  });

  it('takes a tensor of another type', () => {
    const text = tf.tensor1d(['a', 'b']);
    expect(failure((x: tf.Tensor) => tf.addN([x, text as tf.Tensor])).message).toMatch(/./);
    text.dispose();
  });

  it('creates a variable', () => {
    const error = failure((x: tf.Tensor) => tf.add(tf.variable(x), 1));
    expect(error.message).toMatch(
      /a variable of shape \[3\] was created inside the step, at .*trace\.test\.ts:\d+:\d+.*; create variables/,
    );
  });

  it('disposes of a variable', () => {
    const weight = variableOf(tf.scalar(4));
    const error = failure((x: tf.Tensor) => {
      const result = tf.add(x, weight);
      weight.dispose();
      return result;
    });
    expect(error.message).toMatch(/the variable '.*' was disposed of inside the step/);
    expect(weight.dataSync()[0]).toBe(4);
    weight.dispose();
  });

  it.each([
    [undefined, 'the step returned undefined; return a tensor, or an object'],
    [3, 'the step returned 3;'],
    [[], 'the step returned an array;'],
    [{ loss: 3 }, "the step returned an object whose 'loss' is no tensor;"],
  ])('returns %j', (result, message) => {
    expect(failure(() => result).message).toContain(message);
  });

  it('calls a compiled step', () => {
    const error = failure((x: tf.Tensor) => {
      trace((y: tf.Tensor) => tf.neg(y));
      return x;
    });
    expect(error.message).toMatch(/a compiled step was called inside another one/);
  });

  it('leaks a tensor to later code, which then says so', () => {
    let leaked: tf.Tensor | undefined;
    trace((x: tf.Tensor) => {
      leaked = tf.add(x, 1);
      return x;
    });
    expect(() => leaked!.dataSync()).toThrow(/disposed/);
  });
});
